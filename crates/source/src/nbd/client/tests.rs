use proptest::prelude::*;

use super::super::protocol::{
    BASE_ALLOCATION, CHUNK_MAGIC, NBD_MAGIC, OPT_GO, OPT_SET_META_CONTEXT, OPT_STRUCTURED_REPLY,
    OPTION_MAGIC, OPTION_REPLY_MAGIC, REP_ACK, REP_INFO, REP_META_CONTEXT, SIMPLE_REPLY_MAGIC,
};
use super::*;

/// What a server sends, built message by message.
#[derive(Default, Clone)]
struct Server(Vec<u8>);

impl Server {
    /// A server that has accepted everything, with an export of `size` bytes.
    fn ready(size: u64) -> Self {
        let mut server = Self::default();
        server.0.extend(NBD_MAGIC.to_be_bytes());
        server.0.extend(OPTION_MAGIC.to_be_bytes());
        server.0.extend(3_u16.to_be_bytes());
        server.option(OPT_STRUCTURED_REPLY, REP_ACK, &[]);
        let mut context = 5_u32.to_be_bytes().to_vec();
        context.extend(BASE_ALLOCATION.as_bytes());
        server.option(OPT_SET_META_CONTEXT, REP_META_CONTEXT, &context);
        server.option(OPT_SET_META_CONTEXT, REP_ACK, &[]);
        let mut export = vec![0, 0];
        export.extend(size.to_be_bytes());
        export.extend(0x45_u16.to_be_bytes()); // flags, flush, write zeroes
        server.option(OPT_GO, REP_INFO, &export);
        server.option(OPT_GO, REP_ACK, &[]);
        server
    }

    fn option(&mut self, option: u32, kind: u32, payload: &[u8]) {
        self.0.extend(OPTION_REPLY_MAGIC.to_be_bytes());
        self.0.extend(option.to_be_bytes());
        self.0.extend(kind.to_be_bytes());
        self.0.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        self.0.extend(payload);
    }

    fn chunk(mut self, is_done: bool, kind: u16, cookie: u64, payload: &[u8]) -> Self {
        self.0.extend(CHUNK_MAGIC.to_be_bytes());
        self.0.extend(u16::from(is_done).to_be_bytes());
        self.0.extend(kind.to_be_bytes());
        self.0.extend(cookie.to_be_bytes());
        self.0.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        self.0.extend(payload);
        self
    }

    fn data(self, is_done: bool, offset: u64, bytes: &[u8]) -> Self {
        let payload = [&offset.to_be_bytes(), bytes].concat();
        self.chunk(is_done, CHUNK_OFFSET_DATA, 1, &payload)
    }

    fn hole(self, is_done: bool, offset: u64, length: u32) -> Self {
        let payload = [&offset.to_be_bytes()[..], &length.to_be_bytes()].concat();
        self.chunk(is_done, CHUNK_OFFSET_HOLE, 1, &payload)
    }

    fn status(self, words: &[u32]) -> Self {
        let payload: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        self.chunk(true, CHUNK_BLOCK_STATUS, 1, &payload)
    }

    fn client(self) -> Client<Script> {
        Client::connect(Script(self.0, 0), "").unwrap()
    }
}

#[derive(Debug)]
struct Script(Vec<u8>, usize);

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = (&self.0[self.1..]).read(buffer)?;
        self.1 += read;
        Ok(read)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn read(server: Server) -> Result<Vec<u8>, NbdError> {
    let mut buffer = vec![0xaa; 8];
    server.client().read_at(100, &mut buffer).map(|()| buffer)
}

#[test]
fn read_joins_pieces_in_any_order() {
    let server = Server::ready(1000).hole(false, 104, 4).data(false, 100, b"abcd");
    assert_eq!(read(server.chunk(true, CHUNK_NONE, 1, &[])).unwrap(), b"abcd\0\0\0\0");
}

// proves: SRC-4
#[test]
fn read_with_pieces_that_do_not_fit_is_refused() {
    let ready = || Server::ready(1000);
    let check = |server: Server| {
        let error = read(server).unwrap_err();
        assert!(matches!(error, NbdError::Coverage { .. }), "{error:?}");
    };
    check(ready().data(true, 100, b"abcd")); // bytes are missing
    check(ready().data(false, 100, b"abcd").data(true, 103, b"efghi")); // overlap
    check(ready().data(true, 99, b"abcdefgh")); // before the request
    check(ready().data(true, 104, b"abcdefgh")); // beyond the request
    check(ready().hole(true, 100, u32::MAX));
    check(ready().hole(false, 100, 0));
    check(ready().chunk(true, CHUNK_NONE, 1, &[]));
}

#[test]
fn read_with_wrong_cookie_or_length_is_refused() {
    let other = Server::ready(1000).chunk(true, CHUNK_OFFSET_DATA, 7, &[0; 16]);
    assert!(matches!(read(other), Err(NbdError::Cookie { expected: 1, found: 7 })));
    let long = Server::ready(1000).data(true, 100, &[0; 9]);
    assert!(matches!(read(long), Err(NbdError::Length { .. })));
    let none = Server::ready(1000).data(true, 100, &[]);
    assert!(matches!(read(none), Err(NbdError::Length { .. })));
    let torn = Server::ready(1000).chunk(true, CHUNK_OFFSET_HOLE, 1, &[0; 13]);
    assert!(matches!(read(torn), Err(NbdError::Length { .. })));
}

#[test]
fn server_error_keeps_the_connection_and_protocol_error_ends_it() {
    let error = [5_u32.to_be_bytes().as_slice(), &2_u16.to_be_bytes(), b"no"].concat();
    let server = Server::ready(1000)
        .data(false, 100, b"ab")
        .chunk(true, CHUNK_FLAG_ERROR | 1, 1, &error)
        .chunk(true, CHUNK_OFFSET_DATA, 2, &[&100_u64.to_be_bytes()[..], &[7; 8]].concat())
        .chunk(true, 77, 3, &[]);
    let mut client = server.client();
    let mut buffer = [0; 8];
    let failure = client.read_at(100, &mut buffer).unwrap_err();
    assert!(matches!(&failure, NbdError::Server { errno: 5, message } if message == "no"));
    client.read_at(100, &mut buffer).unwrap();
    assert_eq!(buffer, [7; 8]);
    assert!(matches!(client.read_at(100, &mut buffer), Err(NbdError::Unexpected { .. })));
    assert!(matches!(client.read_at(100, &mut buffer), Err(NbdError::Broken)));
}

#[test]
fn request_beyond_the_end_is_not_sent() {
    let mut client = Server::ready(1000).client();
    assert!(matches!(client.read_at(999, &mut [0; 2]), Err(NbdError::OutOfRange { .. })));
    assert!(matches!(client.write_at(u64::MAX, &[0; 2]), Err(NbdError::OutOfRange { .. })));
}

#[test]
fn extents_are_merged_and_cut_to_the_question() {
    let server = Server::ready(1000).status(&[5, 10, 3, 10, 2, 30, 0, 4000, 3]);
    let extents = server.client().extents(ByteRange::at(100, 100)).unwrap();
    let plain: Vec<_> = extents.iter().map(|e| (e.range.start, e.range.end, e.kind)).collect();
    let (zero, data) = (ExtentKind::Zero, ExtentKind::Data);
    assert_eq!(plain, [(100, 120, zero), (120, 150, data), (150, 200, zero)]);
}

#[test]
fn extents_of_another_context_are_refused() {
    let server = Server::ready(1000).status(&[6, 1000, 0]);
    let error = server.client().extents(ByteRange::at(0, 1000)).unwrap_err();
    assert!(matches!(error, NbdError::Unexpected { .. }), "{error:?}");
}

#[test]
fn server_without_structured_replies_is_read_simply() {
    let mut server = Server::default();
    server.0.extend(&Server::ready(1000).0[..18]);
    server.option(OPT_STRUCTURED_REPLY, (1 << 31) | 1, b"no");
    let mut export = vec![0, 0];
    export.extend(1000_u64.to_be_bytes());
    export.extend(3_u16.to_be_bytes()); // flags, read-only
    server.option(OPT_GO, REP_INFO, &export);
    server.option(OPT_GO, REP_ACK, &[]);
    server.0.extend(SIMPLE_REPLY_MAGIC.to_be_bytes());
    server.0.extend(0_u32.to_be_bytes());
    server.0.extend(1_u64.to_be_bytes());
    server.0.extend(b"abcdefgh");
    let mut client = server.client();
    let mut buffer = [0; 8];
    client.read_at(100, &mut buffer).unwrap();
    assert_eq!(&buffer, b"abcdefgh");
    assert_eq!(client.extents(ByteRange::at(0, 1000)).unwrap().len(), 1);
    assert!(matches!(client.write_at(0, b"a"), Err(NbdError::ReadOnly)));
    assert!(matches!(client.flush(), Err(NbdError::Unsupported { .. })));
}

// proves: SRC-4
#[test]
fn endless_answer_to_an_option_is_refused() {
    let mut server = Server::default();
    server.0.extend(&Server::ready(1000).0[..18]);
    server.option(OPT_STRUCTURED_REPLY, REP_ACK, &[]);
    for id in 0..1000_u32 {
        server.option(OPT_SET_META_CONTEXT, REP_META_CONTEXT, &id.to_be_bytes());
    }
    let error = Client::connect(Script(server.0, 0), "").unwrap_err();
    assert!(matches!(error, NbdError::Handshake { .. }), "{error:?}");
}

proptest! {
    /// A healthy conversation with a few bytes changed must fail or succeed, not hang or panic.
    #[test]
    fn drive_of_a_damaged_server_returns(
        damage in proptest::collection::vec((0_usize..600, any::<u8>()), 0..6),
        cut in 0_usize..600,
    ) {
        let mut bytes = Server::ready(64).data(false, 16, &[1; 16]).hole(true, 32, 16).0;
        bytes.extend(&Server::default().status(&[5, 64, 0]).0);
        for (at, value) in damage {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(cut);
        drop(drive(&bytes));
    }
}
