//! What one request and its answer cost a server that does nothing but TLS: no bid is parsed, no
//! signature checked, no ledger written.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::parties::{ClientStream, Parties, ServerStream};
use super::{LimitsFault, Shape, each};

/// How much is read at once: what fits a record or two of TLS.
const READ_BYTES: usize = 32 * 1024;

/// CPU time of the server's thread for one request, read, and its answer, written. What is ready
/// together goes out in one write.
pub(super) fn echo_ns(
    parties: &Parties,
    shape: &Shape,
    requests: usize,
) -> Result<u64, LimitsFault> {
    let Shape { connections, in_flight, request_bytes, response_bytes, .. } = *shape;
    let rounds = requests.div_ceil(connections).max(in_flight);
    let (request, response) = (line(request_bytes), line(response_bytes));
    let serve = async |streams: Vec<ServerStream>| {
        let mut tasks = JoinSet::new();
        for stream in streams {
            tasks.spawn(answer(stream, response.repeat(in_flight), response_bytes, rounds));
        }
        all(tasks).await
    };
    let call = async |streams: Vec<ClientStream>| {
        let mut tasks = JoinSet::new();
        for stream in streams {
            tasks.spawn(ask(stream, request.repeat(in_flight), request_bytes, rounds));
        }
        all(tasks).await
    };
    let cpu_ns = parties.serve(connections, serve, call)?;
    Ok(each(cpu_ns, rounds.saturating_mul(connections)))
}

/// Answers so many lines with the first so many of `answers`.
async fn answer(
    mut stream: ServerStream,
    answers: Vec<u8>,
    answer_bytes: usize,
    mut owed: usize,
) -> io::Result<()> {
    let mut read = vec![0; READ_BYTES];
    while owed > 0 {
        let asked = lines(&mut stream, &mut read).await?;
        stream.write_all(&answers[..asked * answer_bytes]).await?;
        stream.flush().await?;
        owed = owed.saturating_sub(asked);
    }
    Ok(())
}

/// Sends so many requests: all of `requests` at once, and then one for each answer.
async fn ask(
    mut stream: ClientStream,
    requests: Vec<u8>,
    request_bytes: usize,
    mut wanted: usize,
) -> io::Result<()> {
    let mut read = vec![0; READ_BYTES];
    stream.write_all(&requests).await?;
    stream.flush().await?;
    let mut unasked = wanted - requests.len() / request_bytes;
    while wanted > 0 {
        let answered = lines(&mut stream, &mut read).await?;
        wanted = wanted.saturating_sub(answered);
        let more = answered.min(unasked);
        unasked -= more;
        stream.write_all(&requests[..more * request_bytes]).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// Reads what is there; gives how many lines end in it.
async fn lines(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
    read: &mut [u8],
) -> io::Result<usize> {
    match stream.read(read).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => Ok(read[..count].iter().filter(|byte| **byte == b'\n').count()),
    }
}

/// A line of so many bytes, with its end.
pub(super) fn line(bytes: usize) -> Vec<u8> {
    let mut line = vec![b'x'; bytes];
    if let Some(last) = line.last_mut() {
        *last = b'\n';
    }
    line
}

/// Waits for all of them; gives the first error.
pub(super) async fn all(mut tasks: JoinSet<io::Result<()>>) -> io::Result<()> {
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_of_every_connection_is_answered() {
        let folder = tempfile::tempdir().expect("a folder");
        let parties = Parties::make(folder.path()).expect("a house");
        let shapes = [(1, 1, 2, 2, 1), (3, 4, 600, 1_500, 100), (2, 64, 600, 40_000, 130)];
        for (connections, in_flight, request_bytes, response_bytes, requests) in shapes {
            let shape =
                Shape { connections, in_flight, request_bytes, response_bytes, ..Shape::small() };
            let ns = echo_ns(&parties, &shape, requests).expect("all are answered");
            assert!(ns > 0, "{shape:?}");
        }
    }
}
