//! Several connections to one export, shared by threads.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::{Client, Export, NbdError};

/// How long a server may keep silent. Storage that stalls longer has failed.
const SILENCE: Duration = Duration::from_mins(10);

/// Connections to one export. A call takes a free one, or waits for one.
#[derive(Debug)]
pub(crate) struct Pool {
    clients: Vec<Mutex<Client<UnixStream>>>,
    next: AtomicUsize,
    export: Export,
}

impl Pool {
    /// Connects to the export `name` of the server at `socket`: up to `connections` times when
    /// the server says multi-conn, else once.
    pub(crate) fn connect(socket: &Path, name: &str, connections: usize) -> Result<Self, NbdError> {
        let first = connect(socket, name)?;
        let export = first.export();
        let mut clients = vec![Mutex::new(first)];
        if export.flags.can_multi_conn() {
            while clients.len() < connections {
                let client = connect(socket, name)?;
                if client.export().size != export.size {
                    let why = "two connections see exports of different size".to_owned();
                    return Err(NbdError::Handshake { why });
                }
                clients.push(Mutex::new(client));
            }
        }
        Ok(Self { clients, next: AtomicUsize::new(0), export })
    }

    /// What was agreed with the server.
    pub(crate) fn export(&self) -> Export {
        self.export
    }

    /// Runs `call` on a connection that nobody else uses meanwhile.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&mut Client<UnixStream>) -> T) -> T {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.clients.len();
        let in_turn = || self.clients.iter().cycle().skip(first).take(self.clients.len());
        if let Some(mut client) = in_turn().find_map(|client| client.try_lock().ok()) {
            return call(&mut client);
        }
        let client = in_turn().next().expect("a pool has at least one connection");
        call(&mut client.lock().expect("no holder of this lock panics"))
    }

    /// Flushes. One connection is enough: there are several only if the server says multi-conn.
    pub(crate) fn flush(&self) -> Result<(), NbdError> {
        self.with(Client::flush)
    }

    /// Says goodbye on every connection.
    pub(crate) fn disconnect(&self) {
        for client in &self.clients {
            client.lock().expect("no holder of this lock panics").disconnect();
        }
    }
}

fn connect(socket: &Path, name: &str) -> Result<Client<UnixStream>, NbdError> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    Client::connect(stream, name)
}
