// Shares torrents with the webtorrent library, as the file it is given says, until it is ended.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import { pathToFileURL } from 'node:url'

const order = JSON.parse(readFileSync(process.argv[2]))
const modules = createRequire(`${order.modules}/package.json`)

// It has no setting for the address that it listens and calls on.
const { listen } = net.Server.prototype
net.Server.prototype.listen = function (port, ready) {
  return listen.call(this, { port, host: order.address }, ready)
}
const { connect } = net
net.connect = net.createConnection = (options, ...rest) =>
  connect.call(net, { ...options, localAddress: order.address }, ...rest)
if (order.utp) {
  const utp = modules('utp-native')
  const { listen } = utp.prototype
  utp.prototype.listen = function (port) {
    return listen.call(this, port, order.address)
  }
}

const { default: WebTorrent } = await import(pathToFileURL(modules.resolve('webtorrent')))
const client = new WebTorrent({
  torrentPort: order.port,
  dht: false,
  lsd: false,
  natUpnp: false,
  natPmp: false,
  utp: order.utp,
  utPex: order.peerExchange,
  secure: { refused: 0, default: 1, required: 2 }[order.encryption]
})
client.on('error', error => {
  console.error(error)
  process.exit(1)
})
for (const path of order.torrents) {
  const torrent = client.add(readFileSync(path), { path: order.content })
  for (const event of ['warning', 'noPeers', 'done']) torrent.on(event, what => console.log(event, String(what ?? '')))
  torrent.on('wire', (wire, address) => console.log('wire', address, wire.type))
}
