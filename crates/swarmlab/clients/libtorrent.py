"""Shares torrents with the libtorrent library, as the file it is given says, until it is ended."""

import json
import sys
import time

import libtorrent

POLICIES = {"required": 0, "default": 1, "refused": 2}  # forced, enabled, disabled

order = json.load(open(sys.argv[1]))
policy = POLICIES[order["encryption"]]
session = libtorrent.session(
    {
        "listen_interfaces": order["listen"],
        "outgoing_interfaces": order["address"],
        "enable_dht": False,
        "enable_lsd": False,
        "enable_natpmp": False,
        "enable_upnp": False,
        "enable_incoming_tcp": order["tcp"],
        "enable_outgoing_tcp": order["tcp"],
        "enable_incoming_utp": order["utp"],
        "enable_outgoing_utp": order["utp"],
        "in_enc_policy": policy,
        "out_enc_policy": policy,
        "allowed_enc_level": 2 if policy == 0 else 3,  # RC4 alone, or either
        # Its guards against trackers on loopback and against many peers at one address are not what is tested.
        "ssrf_mitigation": False,
        "allow_multiple_connections_per_ip": True,
        # Two seeds part otherwise, and whoever introduces others must be connected to them.
        "close_redundant_connections": False,
        "alert_mask": libtorrent.alert.category_t.error_notification
        | libtorrent.alert.category_t.peer_notification
        | libtorrent.alert.category_t.status_notification
        | libtorrent.alert.category_t.tracker_notification,
    }
)
for path in order["torrents"]:
    torrent = libtorrent.add_torrent_params()
    torrent.ti = libtorrent.torrent_info(path)
    torrent.save_path = order["content"]
    if not order["peer_exchange"]:
        torrent.flags |= libtorrent.torrent_flags.disable_pex
    session.add_torrent(torrent)
while True:
    for alert in session.pop_alerts():
        print(alert.what(), alert.message(), flush=True)
    time.sleep(0.2)
