//! What it costs to hand one buffer to many who only listen.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::echo::{all, line};
use super::parties::{ClientStream, Parties, ServerStream};
use super::{LimitsFault, each};

/// CPU time of the server's thread for one buffer to one of so many connections. The next one goes
/// out when all have read the one before, so that nobody falls behind and each has to be woken.
pub(super) fn send_ns(
    parties: &Parties,
    connections: usize,
    frame_bytes: usize,
    frames: usize,
) -> Result<u64, LimitsFault> {
    let frame = line(frame_bytes);
    let taken = Arc::new(Semaphore::new(0));
    let everybody = u32::try_from(connections).unwrap_or(u32::MAX);
    let serve = async |mut streams: Vec<ServerStream>| {
        for _ in 0..frames {
            for stream in &mut streams {
                stream.write_all(&frame).await?;
                stream.flush().await?;
            }
            taken.acquire_many(everybody).await.map_err(std::io::Error::other)?.forget();
        }
        Ok(())
    };
    let call = async |streams: Vec<ClientStream>| {
        let mut tasks = JoinSet::new();
        for mut stream in streams {
            let taken = Arc::clone(&taken);
            tasks.spawn(async move {
                let mut read = vec![0; frame_bytes];
                for _ in 0..frames {
                    stream.read_exact(&mut read).await?;
                    taken.add_permits(1);
                }
                Ok(())
            });
        }
        all(tasks).await
    };
    let cpu_ns = parties.serve(connections, serve, call)?;
    Ok(each(cpu_ns, frames.saturating_mul(connections)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_reads_every_frame() {
        let folder = tempfile::tempdir().expect("a folder");
        let parties = Parties::make(folder.path()).expect("a house");
        for (connections, frame_bytes, frames) in [(1, 1, 1), (5, 900, 20), (2, 200_000, 3)] {
            let ns = send_ns(&parties, connections, frame_bytes, frames).expect("all have read");
            assert!(ns > 0, "{connections} {frame_bytes} {frames}");
        }
    }
}
