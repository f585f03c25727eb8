//! RFC 8291 against its own vector, and against `http-ece`, which other senders and browsers' tests use.

use push::{
    AUTH_BYTES, Inbox, InvalidKeys, KeyPair, MAX_PLAINTEXT_BYTES, Receiver, TooLong, Unreadable, decode_key, encode_key,
};

/// RFC 8291, section 5 and appendix A.
const TEXT: &str = "When I grow up, I want to be a watermelon";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const RECEIVER_PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const RECEIVER_PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const SENDER_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const SENDER_PUBLIC: &str = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

fn bytes<const COUNT: usize>(key: &str) -> [u8; COUNT] {
    decode_key(key).unwrap().try_into().unwrap()
}

fn receiver() -> Receiver {
    Receiver::new(&bytes::<65>(RECEIVER_PUBLIC), &bytes::<AUTH_BYTES>(AUTH)).unwrap()
}

fn inbox() -> Inbox {
    Inbox::new(KeyPair::parse(RECEIVER_PUBLIC, RECEIVER_PRIVATE).unwrap(), bytes(AUTH))
}

fn sender() -> KeyPair {
    KeyPair::parse(SENDER_PUBLIC, SENDER_PRIVATE).unwrap()
}

#[test]
fn the_vector_of_the_standard_is_encrypted_and_decrypted() {
    let body = receiver().encrypt(TEXT.as_bytes(), bytes(SALT), &sender()).unwrap();
    assert_eq!(encode_key(&body), BODY);
    assert_eq!(inbox().decrypt(&body).unwrap(), TEXT.as_bytes());
    assert_eq!((encode_key(&inbox().p256dh()), encode_key(&inbox().auth())), (RECEIVER_PUBLIC.into(), AUTH.into()));
}

/// What `http_ece.encrypt` (PyPI `http-ece` 1.2.1) makes with the private keys 0x0505… of the sender and 0x0303… of the
/// receiver, the secret 0, 1, 2, … and the salt 100, 101, 102, …
const OTHER_TEXT: &str = "Ada: grüße 👩‍👩‍👧‍👦 \"x\"";
const OTHER_BODY: &str = "ZGVmZ2hpamtsbW5vcHFycwAAEABBBAeBDql0zqV3PmO4l_N-O-mgnnpf6blxpE0QZawqOpMRY35HpPmUZKD9zkSojsfXA6kYPB0GVS2eLWt2BpSBxXdvNTJ4yl3AhhfhMLjOSYe8bIBPTDkjFXTq0nO4G1pgIDKGAHBcXFfBNaDpYHuBUWVeUTf-EWeaNVfIEg";

#[test]
fn another_implementation_encrypts_alike_and_is_understood() {
    let [receiver, sender] = [3, 5].map(|number| KeyPair::from_private_key(&[number; 32]).unwrap());
    let (auth, salt) = (std::array::from_fn(|at| at as u8), std::array::from_fn(|at| 100 + at as u8));
    let inbox = Inbox::new(receiver, auth);
    let body = decode_key(OTHER_BODY).unwrap();
    assert_eq!(String::from_utf8(inbox.decrypt(&body).unwrap()).unwrap(), OTHER_TEXT);
    let own = Receiver::new(&inbox.p256dh(), &auth).unwrap().encrypt(OTHER_TEXT.as_bytes(), salt, &sender).unwrap();
    assert_eq!(encode_key(&own), OTHER_BODY);
}

#[test]
fn the_longest_text_makes_a_body_of_4096_bytes() {
    let body = receiver().encrypt(&[b'x'; MAX_PLAINTEXT_BYTES], bytes(SALT), &sender()).unwrap();
    assert_eq!(body.len(), 4_096);
    assert_eq!(inbox().decrypt(&body).unwrap().len(), MAX_PLAINTEXT_BYTES);
    assert_eq!(receiver().encrypt(&[b'x'; MAX_PLAINTEXT_BYTES + 1], bytes(SALT), &sender()), Err(TooLong));
    assert_eq!(inbox().decrypt(&receiver().encrypt(b"", bytes(SALT), &sender()).unwrap()).unwrap(), b"");
}

#[test]
fn what_is_no_key_is_refused() {
    let (key, auth) = (bytes::<65>(RECEIVER_PUBLIC), bytes::<AUTH_BYTES>(AUTH));
    let mut off_the_curve = key;
    off_the_curve[64] ^= 1;
    let mut hybrid = key;
    hybrid[0] = 6;
    let compressed = [&[2], &key[1..33]].concat();
    for (key, auth) in [
        (&off_the_curve[..], &auth[..]),
        (&hybrid, &auth),
        (&compressed, &auth),
        (&[0; 65], &auth),
        (&[0], &auth),
        (&[], &auth),
        (&key[..64], &auth),
        (&key, &auth[..15]),
        (&key, &[0; 17]),
        (&key, &[]),
    ] {
        assert_eq!(Receiver::new(key, auth).err(), Some(InvalidKeys), "{key:?} {auth:?}");
    }
}

#[test]
fn what_is_no_message_for_the_subscription_is_unreadable() {
    let body = decode_key(BODY).unwrap();
    for at in 0..body.len() {
        let mut other = body.clone();
        other[at] ^= 0x55;
        // The record size is not part of what is encrypted; it only must not be too small.
        if !(16..20).contains(&at) {
            assert_eq!(inbox().decrypt(&other), Err(Unreadable), "byte {at}");
        }
        assert_eq!(inbox().decrypt(&body[..at]), Err(Unreadable), "cut off at {at}");
    }
    let another = Inbox::new(KeyPair::parse(SENDER_PUBLIC, SENDER_PRIVATE).unwrap(), bytes(AUTH));
    assert_eq!(another.decrypt(&body), Err(Unreadable));
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_inbox_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        proptest::prop_assert!(inbox().decrypt(&body).is_err());
    }
}
