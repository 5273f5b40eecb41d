use std::io::Cursor;

use super::*;

fn sealed_to(plaintext: &[u8], identity: &Identity) -> Vec<u8> {
    let mut sealed = Vec::new();
    let count = seal(&mut &plaintext[..], &mut sealed, &[identity.to_recipient()]).unwrap();
    assert_eq!(count, plaintext.len() as u64);
    sealed
}

fn read_header(bytes: &[u8]) -> Result<Header, SealError> {
    Header::read(&mut &bytes[..])
}

fn read_all<R: Read + Seek>(mut plaintext: Plaintext<R>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    plaintext.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn some_bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn lengths_around_chunk_borders_are_foretold() {
    let identity = Identity::generate();
    let chunk = CHUNK_LEN as usize;
    for length in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2 * chunk + 7] {
        let plaintext = some_bytes(length);
        let sealed = sealed_to(&plaintext, &identity);
        let header = read_header(&sealed).unwrap();
        assert_eq!(sealed_len(&header, length as u64), sealed.len() as u64);
        assert_eq!(
            plaintext_len(sealed.len() as u64 - header.payload_offset()),
            Some(length as u64)
        );
        let opened = open(Cursor::new(&sealed), &identity).unwrap();
        assert_eq!(opened.length(), length as u64);
        assert_eq!(read_all(opened).unwrap(), plaintext);
    }
    // No payload is shorter than nonce and one tag, or has an empty last chunk.
    for impossible in [0, 15, 31, 16 + CHUNK_LEN + 16 + 16] {
        assert_eq!(plaintext_len(impossible), None, "{impossible}");
    }
}

#[test]
fn any_part_is_read_without_the_rest() {
    let identity = Identity::generate();
    let plaintext = some_bytes(300_000);
    let sealed = sealed_to(&plaintext, &identity);
    let mut opened = open(Cursor::new(sealed), &identity).unwrap();
    for (at, length) in [(299_990, 10), (0, 5), (65_530, 20), (131_072, 70_000)] {
        let mut part = vec![0; length];
        opened.seek(SeekFrom::Start(at as u64)).unwrap();
        opened.read_exact(&mut part).unwrap();
        assert_eq!(part, plaintext[at..at + length]);
    }
}

#[test]
fn the_child_needs_only_the_file_key() {
    let node = Identity::generate();
    let sealed = sealed_to(b"rows", &node);
    let key = unwrap_file_key(&read_header(&sealed).unwrap(), &node).unwrap();
    let handed_over = FileKey::from_bytes(key.expose());
    let opened = open_with_file_key(Cursor::new(&sealed), &handed_over).unwrap();
    assert_eq!(read_all(opened).unwrap(), b"rows");

    let wrong = FileKey::from_bytes(&[0; 16]);
    assert!(matches!(
        open_with_file_key(Cursor::new(&sealed), &wrong),
        Err(SealError::HeaderCorrupt(_))
    ));
}

#[test]
fn a_rewrapped_file_opens_for_its_new_owner_only() {
    let (node, buyer) = (Identity::generate(), Identity::generate());
    let plaintext = some_bytes(100_000);
    let sealed = sealed_to(&plaintext, &node);
    let header = read_header(&sealed).unwrap();
    let mut handed_on = rewrap(&header, &node, &buyer.to_recipient()).unwrap();
    assert_eq!(handed_on.len(), 168);
    let payload = &sealed[header.payload_offset() as usize..];
    handed_on.extend_from_slice(payload);
    let opened = open(Cursor::new(&handed_on), &buyer).unwrap();
    assert_eq!(read_all(opened).unwrap(), plaintext);
    assert!(matches!(
        open(Cursor::new(&handed_on), &node),
        Err(SealError::WrongRecipient)
    ));
    assert!(matches!(
        rewrap(&header, &buyer, &buyer.to_recipient()),
        Err(SealError::WrongRecipient)
    ));
}

#[test]
fn damage_is_told_apart_and_never_read() {
    let identity = Identity::generate();
    let plaintext = some_bytes(200_000);
    let sealed = sealed_to(&plaintext, &identity);
    let payload = read_header(&sealed).unwrap().payload_offset() as usize;

    for cut in [payload, payload + 16, payload + 70_000, sealed.len() - 1] {
        let result = open(Cursor::new(&sealed[..cut]), &identity);
        assert_eq!(result.err().unwrap().code(), "seal_truncated", "at {cut}");
    }
    let mut damaged = sealed.clone();
    damaged[payload + 16 + 70_000] ^= 1;
    let mut opened = open(Cursor::new(damaged), &identity).unwrap();
    let mut read = Vec::new();
    let error = opened.read_to_end(&mut read).unwrap_err();
    assert_eq!(SealError::find(&error).unwrap().code(), "seal_corrupt");
    assert_eq!(read, plaintext[..65_536], "nothing of the damaged chunk");

    let mut swapped = sealed.clone();
    swapped[30] ^= 1;
    assert!(open(Cursor::new(swapped), &identity).is_err());
}

/// A header with these lines between the first and the MAC.
fn header_of(lines: &str) -> Vec<u8> {
    let mac = "A".repeat(43);
    format!("age-encryption.org/v1\n{lines}--- {mac}\n").into_bytes()
}

fn code_of(bytes: &[u8]) -> &'static str {
    read_header(bytes).map_or_else(|error| error.code(), |_| "ok")
}

#[test]
fn stanzas_are_limited() {
    let stanza = "-> X25519 abc\n\n";
    let at_limit = header_of(&stanza.repeat(MAX_STANZAS));
    assert_eq!(read_header(&at_limit).unwrap().stanzas(), MAX_STANZAS);
    let beyond = header_of(&stanza.repeat(MAX_STANZAS + 1));
    assert_eq!(code_of(&beyond), "seal_too_many_stanzas");
    assert_eq!(
        code_of(&header_of(&stanza.repeat(70_000))),
        "seal_too_many_stanzas"
    );
}

#[test]
fn the_length_is_limited() {
    let fixed = header_of("-> grease \n\n").len();
    let with_argument = |length: usize| header_of(&format!("-> grease {}\n\n", "x".repeat(length)));
    let at_limit = with_argument(MAX_HEADER_LEN - fixed);
    assert_eq!(at_limit.len(), MAX_HEADER_LEN);
    assert_eq!(code_of(&at_limit), "ok");
    let beyond = with_argument(MAX_HEADER_LEN - fixed + 1);
    assert_eq!(code_of(&beyond), "seal_header_too_large");
    let body = format!("{}\n", "A".repeat(64)).repeat(16_000);
    assert_eq!(
        code_of(&header_of(&format!("-> grease\n{body}\n"))),
        "seal_header_too_large"
    );
}

#[test]
fn the_largest_header_is_parsed_quickly() {
    // 20 stanzas filled up to 16 KiB: the worst that reaches the age crate.
    let body = format!("{}\n", "A".repeat(64)).repeat(12);
    let lines = format!("-> a-grease\n{body}\n").repeat(20);
    let header = read_header(&header_of(&lines)).unwrap();
    assert!(header.payload_offset() > 15_000);
    let started = std::time::Instant::now();
    let refused = unwrap_file_key(&header, &Identity::generate());
    assert!(matches!(refused, Err(SealError::WrongRecipient)));
    assert!(started.elapsed().as_millis() < 1_000);
}

#[test]
fn other_kinds_are_refused_by_name() {
    for (bytes, code) in [
        (
            header_of("-> scrypt AAAA 22\nAAAA\n"),
            "seal_passphrase_refused",
        ),
        (
            header_of("-> ssh-rsa AAAA\nAAAA\n"),
            "seal_recipient_unsupported",
        ),
        (header_of("-> x+/-grease a b\nAAAA\n"), "ok"),
        (header_of(""), "seal_header_corrupt"),
        (header_of("-> X25519  abc\n\n"), "seal_header_corrupt"),
        (
            b"-----BEGIN AGE ENCRYPTED FILE-----\n".to_vec(),
            "seal_armored",
        ),
        (b"PAR1".to_vec(), "seal_not_age"),
        (b"".to_vec(), "seal_not_age"),
        (b"age-encryption.org/v2\n".to_vec(), "seal_not_age"),
        (b"age-encryption.org/v1\n-> X255".to_vec(), "seal_truncated"),
    ] {
        assert_eq!(code_of(&bytes), code, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn keys_are_x25519_only_and_read_back() {
    let identity = Identity::generate();
    let recipient = identity.to_recipient();
    assert_eq!(
        recipient.to_string().parse::<Recipient>().unwrap(),
        recipient
    );
    use age::secrecy::ExposeSecret;
    let text = identity.expose();
    let again: Identity = text.expose_secret().parse().unwrap();
    assert_eq!(again.to_recipient(), recipient);
    let json = serde_json::to_string(&recipient).unwrap();
    assert_eq!(serde_json::from_str::<Recipient>(&json).unwrap(), recipient);

    for wrong in ["", "age1", "ssh-ed25519 AAAA", text.expose_secret()] {
        assert!(wrong.parse::<Recipient>().is_err());
    }
    assert!(recipient.to_string().parse::<Identity>().is_err());
    assert!(!format!("{identity:?}").contains("SECRET"));
    assert_eq!(
        format!("{:?}", FileKey::from_bytes(&[7; 16])),
        "FileKey(secret)"
    );
}

#[test]
fn sealing_to_nobody_is_refused() {
    let mut sealed = Vec::new();
    let error = seal(&mut &b"rows"[..], &mut sealed, &[]).unwrap_err();
    assert_eq!(error.code(), "seal_no_recipient");
}
