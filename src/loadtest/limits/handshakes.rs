//! What a handshake with certificates on both sides costs a server: once in memory with nothing
//! but rustls, and once over sockets of the loopback device.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::{ClientConnection, ServerConnection};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::parties::{Parties, apart, server_name};
use super::{LimitsFault, each};
use crate::clock::ThreadTime;

/// CPU time of the server's side of one handshake, from a new connection to the last message,
/// and no more than rustls: no socket, no runtime.
pub(super) fn bare_ns(parties: &Parties, handshakes: usize) -> Result<u64, LimitsFault> {
    let mut cpu_ns: u64 = 0;
    for _ in 0..handshakes {
        cpu_ns = cpu_ns.saturating_add(shake_hands(parties)?);
    }
    Ok(each(cpu_ns, handshakes))
}

/// One handshake; gives the server's part of the time.
fn shake_hands(parties: &Parties) -> Result<u64, LimitsFault> {
    let mut client = ClientConnection::new(Arc::clone(&parties.client), server_name())?;
    let time = ThreadTime::start();
    let mut server = ServerConnection::new(Arc::clone(&parties.server))?;
    let mut cpu_ns = time.elapsed_ns();
    while server.is_handshaking() || client.is_handshaking() {
        let mut asked = Vec::new();
        client.write_tls(&mut asked)?;
        let time = ThreadTime::start();
        let mut rest = asked.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest)?;
            server.process_new_packets()?;
        }
        let mut answered = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut answered)?;
        }
        cpu_ns = cpu_ns.saturating_add(time.elapsed_ns());
        if asked.is_empty() && answered.is_empty() {
            return Err(LimitsFault::Broken);
        }
        let mut rest = answered.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest)?;
            client.process_new_packets()?;
        }
    }
    match server.peer_certificates() {
        Some([_, ..]) => Ok(cpu_ns),
        _ => Err(LimitsFault::Broken),
    }
}

/// CPU time of a server's thread for one connection with its handshake, over sockets and tokio,
/// until the client has hung up.
pub(super) fn over_sockets_ns(parties: &Parties, handshakes: usize) -> Result<u64, LimitsFault> {
    let serve = async |listener: TcpListener| {
        let time = ThreadTime::start();
        for _ in 0..handshakes {
            let mut stream = parties.accept(&listener).await?;
            // The client says nothing, and then goodbye.
            stream.read_to_end(&mut Vec::new()).await?;
        }
        Ok(time.elapsed_ns())
    };
    let call = async |address: SocketAddr| {
        for _ in 0..handshakes {
            let mut stream = parties.connect(address).await?;
            tokio::io::AsyncWriteExt::shutdown(&mut stream).await?;
        }
        Ok(())
    };
    Ok(each(apart(serve, call)?, handshakes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_come_about_in_memory_and_over_sockets() {
        let folder = tempfile::tempdir().expect("a folder");
        let parties = Parties::make(folder.path()).expect("a house");
        assert!(bare_ns(&parties, 2).expect("hands are shaken") > 0);
        assert!(over_sockets_ns(&parties, 2).expect("hands are shaken") > 0);
    }
}
