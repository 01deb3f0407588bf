use proptest::prelude::*;

use super::*;

#[test]
fn parse_greeting_without_fixed_newstyle_is_refused() {
    let mut greeting = NBD_MAGIC.to_be_bytes().to_vec();
    greeting.extend(OPTION_MAGIC.to_be_bytes());
    greeting.extend([0, 3]);
    assert_eq!(parse_greeting(&greeting).unwrap(), 3);
    greeting[17] = 2;
    assert!(matches!(parse_greeting(&greeting), Err(NbdError::Handshake { .. })));
    greeting[0] = 0;
    assert!(matches!(parse_greeting(&greeting), Err(NbdError::Magic { .. })));
    assert!(matches!(parse_greeting(&greeting[..7]), Err(NbdError::Short { .. })));
}

// proves: SRC-4
#[test]
fn parse_option_reply_with_huge_length_is_refused() {
    let reply = |length: u32| {
        let mut bytes = OPTION_REPLY_MAGIC.to_be_bytes().to_vec();
        bytes.extend(7_u32.to_be_bytes());
        bytes.extend(REP_ACK.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        parse_option_reply(&bytes)
    };
    assert_eq!(reply(3).unwrap(), OptionReply { option: 7, kind: REP_ACK, length: 3 });
    assert!(matches!(reply(u32::MAX), Err(NbdError::Length { .. })));
}

#[test]
fn parse_export_info_checks_size_and_blocks() {
    let export = |size: u64| {
        let mut bytes = vec![0, 0];
        bytes.extend(size.to_be_bytes());
        bytes.extend([1, 5]);
        parse_export_info(&bytes)
    };
    assert_eq!(export(10).unwrap(), ExportInfo::Export { size: 10, flags: 0x105 });
    assert!(matches!(export(1 << 63), Err(NbdError::Length { .. })));
    let blocks = |min: u32, max: u32| {
        let mut bytes = vec![0, 3];
        for size in [min, 4096, max] {
            bytes.extend(size.to_be_bytes());
        }
        parse_export_info(&bytes)
    };
    assert_eq!(blocks(1, 1 << 25).unwrap(), ExportInfo::MaxPayload(1 << 25));
    assert!(blocks(4096, 1 << 25).is_err());
    assert!(blocks(1, 0).is_err());
}

#[test]
fn parse_block_status_refuses_empty_and_torn_extents() {
    let status = |words: &[u32]| {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        parse_block_status(&bytes)
    };
    assert_eq!(status(&[9, 100, 3]).unwrap(), (9, vec![(100, 3)]));
    assert!(matches!(status(&[9]), Err(NbdError::Length { .. })));
    assert!(matches!(status(&[9, 0, 3]), Err(NbdError::Length { .. })));
    assert!(matches!(status(&[9, 100, 3, 5]), Err(NbdError::Short { .. })));
}

#[test]
fn parse_error_chunk_makes_the_message_printable() {
    let error = |errno: u32, length: u16, text: &[u8]| {
        let mut bytes = errno.to_be_bytes().to_vec();
        bytes.extend(length.to_be_bytes());
        bytes.extend(text);
        parse_error_chunk(&bytes)
    };
    let NbdError::Server { errno, message } = error(5, 4, b"a\x1b[mrest").unwrap() else {
        panic!("an error chunk is the server's error");
    };
    assert_eq!((errno, message.as_str()), (5, "a?[m"));
    assert!(matches!(error(5, 9, b"short"), Err(NbdError::Short { .. })));
    assert!(matches!(error(0, 0, b""), Err(NbdError::Unexpected { .. })));
}

#[test]
fn encode_request_is_28_bytes_in_network_order() {
    let request = Request { command: CMD_WRITE, cookie: 2, offset: 3, length: 4 };
    assert_eq!(
        request.encode(),
        [
            0x25, 0x60, 0x95, 0x13, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0,
            0, 0, 4
        ]
    );
}

proptest! {
    #[test]
    fn parse_of_any_bytes_returns(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(parse_greeting(&bytes));
        drop(parse_option_reply(&bytes));
        drop(parse_export_info(&bytes));
        drop(parse_meta_context(&bytes));
        drop(parse_reply(&bytes));
        drop(parse_hole(&bytes));
        drop(parse_error_chunk(&bytes));
        drop(parse_block_status(&bytes));
        drop(parse_refusal(1, 2, &bytes));
    }
}
