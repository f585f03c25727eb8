//! RFC 8292: its example, and the tokens made here.

use push::{Claim, InvalidKeyPair, KeyPair, Unproven, decode_key, encode_key};

/// RFC 8292, section 2.4.
const EXAMPLE: &str = "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";

fn pair() -> KeyPair {
    KeyPair::from_private_key(&[7; 32]).unwrap()
}

#[test]
fn the_example_of_the_standard_is_verified() {
    let claim = Claim::verify(EXAMPLE).unwrap();
    assert_eq!((claim.audience.as_str(), claim.expires_at_s), ("https://push.example.net", 1_453_523_768));
    assert_eq!(claim.subject.as_deref(), Some("mailto:push@example.com"));
    let forged = EXAMPLE.replacen("eyJhdWQi", "eyJhdWQj", 1);
    assert_eq!(Claim::verify(&forged), Err(Unproven));
}

#[test]
fn a_token_names_the_push_service_its_end_and_the_sender() {
    let header = pair().authorization("https://push.example", 1_700_043_200, Some("https://chat.example"));
    let claim = Claim::verify(&header).unwrap();
    let expected = Claim {
        audience: "https://push.example".into(),
        expires_at_s: 1_700_043_200,
        subject: Some("https://chat.example".into()),
        public_key: pair().public_key().to_vec(),
    };
    assert_eq!(claim, expected);
    let (_, claims) = header.split_once('.').unwrap();
    let claims = decode_key(claims.split_once('.').unwrap().0).unwrap();
    let json = br#"{"aud":"https://push.example","exp":1700043200,"sub":"https://chat.example"}"#;
    assert_eq!(claims, json);
    let other = KeyPair::from_private_key(&[8; 32]).unwrap();
    let (signed, _) = header.split_once(", k=").unwrap();
    assert_eq!(Claim::verify(&format!("{signed}, k={}", encode_key(&other.public_key()))), Err(Unproven));
    assert_eq!(Claim::verify(&pair().authorization("https://push.example", 1, None)).unwrap().subject, None);
}

#[test]
fn key_pairs_are_read_in_the_ways_that_tools_write_them() {
    let (public_key, private_key) = (encode_key(&pair().public_key()), encode_key(&pair().private_key()));
    for (public_key, private_key) in [
        (public_key.clone(), private_key.clone()),
        (format!("{public_key}="), format!("{private_key}=")),
        (format!(" {public_key}\n"), format!("\t{private_key} ")),
    ] {
        assert_eq!(KeyPair::parse(&public_key, &private_key).unwrap().private_key(), [7; 32]);
    }
    let other = encode_key(&KeyPair::from_private_key(&[8; 32]).unwrap().public_key());
    let zero = encode_key(&[0; 32]);
    let too_large = encode_key(&[0xff; 32]);
    for (public_key, private_key) in [
        (other.as_str(), private_key.as_str()),
        (&public_key, &zero),
        (&public_key, &too_large),
        (&public_key, ""),
        ("", &private_key),
        (&public_key, "not base64!"),
        (&public_key, &public_key),
    ] {
        assert_eq!(KeyPair::parse(public_key, private_key).err(), Some(InvalidKeyPair), "{private_key}");
    }
}

#[test]
fn a_number_outside_of_the_group_is_not_taken_for_a_key() {
    let mut numbers = vec![[9; 32], [0xff; 32], [0; 32]];
    let pair = KeyPair::generate(|| numbers.pop().unwrap());
    assert_eq!(pair.private_key(), [9; 32]);
    assert_eq!(format!("{pair:?}"), "KeyPair(…)");
}
