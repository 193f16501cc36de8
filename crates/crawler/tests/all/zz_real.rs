use std::process::{Command, Stdio};
use std::sync::Arc;
use crate::lab::station::Station;
use crate::lab::torrent::Torrent;
use crate::lab::{address, plan, target};
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real() {
    let torrent = Arc::new(Torrent::new("film"));
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    std::fs::write(d.join("film"), &torrent.bytes).unwrap();
    std::fs::write(d.join("t.torrent"), torrent.with_tracker("http://127.0.0.1:1/announce")).unwrap();
    let mut kids = vec![];
    kids.push(Command::new("aria2c").args(["--seed-ratio=0.0","--check-integrity=true","--enable-dht=false","--enable-dht6=false","--bt-enable-lpd=false","--async-dns=false","--interface=127.88.0.1","--listen-port=6881","-d"]).arg(d).arg(d.join("t.torrent")).stdout(Stdio::null()).spawn().unwrap());
    let q = d.join("q"); let cfg = q.join("qBittorrent/config"); std::fs::create_dir_all(&cfg).unwrap();
    std::fs::write(cfg.join("qBittorrent.conf"), format!("[LegalNotice]\nAccepted=true\n[BitTorrent]\nSession\\Port=6882\nSession\\InterfaceAddress=127.88.0.2\nSession\\DHTEnabled=false\nSession\\LSDEnabled=false\nSession\\QueueingSystemEnabled=false\nSession\\DefaultSavePath={}\n[Preferences]\nWebUI\\Port=18080\nWebUI\\LocalHostAuth=false\n", d.display())).unwrap();
    kids.push(Command::new("qbittorrent-nox").arg(format!("--profile={}", q.display())).arg(format!("--save-path={}", d.display())).arg("--skip-dialog=true").arg(d.join("t.torrent")).env("HOME", d).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let t = d.join("tr"); std::fs::create_dir_all(&t).unwrap();
    std::fs::write(t.join("settings.json"), format!(r#"{{"bind-address-ipv4":"127.88.0.3","peer-port":6883,"peer-port-random-on-start":false,"port-forwarding-enabled":false,"lpd-enabled":false,"dht-enabled":false,"utp-enabled":false,"encryption":0,"rpc-enabled":true,"rpc-bind-address":"127.0.0.1","rpc-port":19091,"rpc-whitelist-enabled":false,"rpc-host-whitelist-enabled":false,"download-dir":"{}"}}"#, d.display())).unwrap();
    kids.push(Command::new("transmission-daemon").args(["-f","-g"]).arg(&t).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let out = Command::new("transmission-remote").args(["127.0.0.1:19091","-a"]).arg(d.join("t.torrent")).arg("-w").arg(d).output().unwrap();
    println!("{}", String::from_utf8_lossy(&out.stdout));
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let mut target = target(&torrent, &[]);
    target.peers = vec![address(88,1,6881), address(88,2,6882), address(88,3,6883)];
    let mut plan = plan(88, vec![target]);
    plan.settings.probe = swarm::probe::Limits::default();
    plan.until = crawler::Until::Idle { quiet_ms: 500, at_most_ms: 60_000 };
    let began = std::time::Instant::now();
    let (summary, log) = Station::found().watch(plan).await;
    println!("{:?} {:?}", began.elapsed(), summary.unwrap());
    for (_, o) in &log.observations {
        println!("{} {:?} {:?} {:?} {:?} claim {:?} choke {} chal {:?} took {} ms", o.peer, o.grade, o.outcome, o.client.as_ref().map(|c| c.to_string()), o.peer_id.map(|p| String::from_utf8_lossy(p.as_bytes()).into_owned()), o.claim.map(|c| (c.by, c.pieces, c.of)), o.choke.len(), o.challenges.iter().map(|c| (c.piece, c.choked, c.is_verified())).collect::<Vec<_>>(), (o.times.ended.mono_us - o.times.began.mono_us)/1000);
    }
    for mut k in kids { k.kill().unwrap(); k.wait().unwrap(); }
}
