//! Inits as ffmpeg 5.1 writes them, cut down to what matters.

use super::{super::boxes::make, *};
use proptest::prelude::*;

/// An init whose only sample entry is `kind`, with this configuration and rate.
fn init(kind: Kind, configuration: (Kind, &[u8]), rate: u32, width: u16) -> Vec<u8> {
    let mut fields = vec![0; ENTRY_BYTES];
    fields[24..26].copy_from_slice(&width.to_be_bytes());
    let btrt = make(*b"btrt", &rate.to_be_bytes());
    let entry = make(kind, &[fields, make(configuration.0, configuration.1), btrt].concat());
    let stsd = make(*b"stsd", &[&[0; 8][..], &entry].concat());
    let trak = [*b"stbl", *b"minf", *b"mdia", *b"trak"].into_iter();
    let trak = trak.fold(stsd, |inside, kind| make(kind, &inside));
    [make(*b"ftyp", b"iso5"), make(*b"moov", &[make(*b"mvhd", b"x"), trak].concat())].concat()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn avc_init(hex: &str, rate: u32) -> Vec<u8> {
    init(*b"avc1", (*b"avcC", &bytes(hex)), rate, 640)
}

fn shared(one: &[u8], other: &[u8]) -> Result<(), Differs> {
    shares(one, other).expect("both are inits")
}

/// libx264 at 20 Mbit/s (level 3.2), at 100 kbit/s (level 3), and with another preset.
const HIGH: &str =
    "01640020ffe1001967640020acb405017fcb80880000030008000003018478c19501000468ef3cb0fdf8f800";
const LOW: &str =
    "0164001effe100196764001eacb405017fcb80880000030008000003018478c19501000468ef3cb0fdf8f800";
const FASTER: &str =
    "0164001effe100196764001eacb605017fcb80880000030008000003018478c19501000468eacf2cfdf8f800";

#[test]
fn avc_of_the_same_settings_shares_an_init_whatever_its_rate() {
    assert_eq!(shared(&avc_init(LOW, 1), &avc_init(LOW, 2)), Ok(()));
    assert_eq!(shared(&avc_init(HIGH, 1), &avc_init(LOW, 2)), Ok(()), "it takes less");
    let differs = Err(Differs(*b"avcC"));
    assert_eq!(shared(&avc_init(LOW, 1), &avc_init(HIGH, 2)), differs, "it asks for more");
    assert_eq!(shared(&avc_init(LOW, 1), &avc_init(FASTER, 1)), differs, "another preset");
}

#[test]
fn other_sizes_codecs_and_boxes_do_not_share_an_init() {
    let avc = |width| init(*b"avc1", (*b"avcC", &bytes(LOW)), 0, width);
    assert_eq!(shared(&avc(640), &avc(320)), Err(Differs(*b"avc1")));
    let av1 = |config: &[u8]| init(*b"av01", (*b"av1C", config), 0, 640);
    assert_eq!(shared(&avc(640), &av1(b"a")), Err(Differs(*b"avc1")));
    assert_eq!(shared(&av1(b"a"), &av1(b"a")), Ok(()));
    assert_eq!(shared(&av1(b"a"), &av1(b"b")), Err(Differs(*b"av01")), "nothing is known of it");
    let plain = avc(640);
    let moov = Boxes::new(&plain).find_kind(*b"moov").expect("one");
    let more = make(*b"moov", &[moov.body, &make(*b"udta", b"")].concat());
    assert_eq!(shared(&avc(640), &more), Err(Differs(*b"udta")));
    assert_eq!(shared(&more, &avc(640)), Err(Differs(*b"udta")));
}

/// libx265: a head, and VPS, SPS, PPS and SEI behind it.
fn hevc_init(profile: &str, level: &str, pps: &str, sei: &str) -> Vec<u8> {
    let demands = format!("{profile}600000030090000003000003 00{level}").replace(' ', "");
    let vps = format!("40010c01ffff{demands}ba0240");
    let sps = format!("420101{demands}a00502016965ba924caf016808");
    let units = [("a0", &*vps), ("a1", &sps), ("a2", pps), ("a7", sei)];
    let units = units.map(|(kind, unit)| format!("{kind}0001{:04x}{unit}", unit.len() / 2));
    let head = format!("01{profile}60000000900000000000{level}f000fcfdf8f800000f04");
    init(*b"hvc1", (*b"hvcC", &bytes(&(head + &units.concat()))), 0, 640)
}

#[test]
fn hevc_of_the_same_settings_shares_an_init_whatever_its_tier_and_words() {
    let main = hevc_init("01", "3f", "4401c172b46240", "4e01aa");
    let high = hevc_init("21", "78", "4401c172b46240", "4e01aabb");
    assert_eq!(shared(&high, &main), Ok(()));
    assert_eq!(shared(&main, &high), Err(Differs(*b"hvcC")), "it asks for more");
    let other = hevc_init("01", "3f", "4401c172b46241", "4e01aa");
    assert_eq!(shared(&main, &other), Err(Differs(*b"hvcC")), "another PPS");
}

proptest! {
    #[test]
    fn nothing_panics(body: Vec<u8>) {
        let _ = (avc(&body), hevc(&body), shares(&body, &body));
    }
}
