//! Columns made by a seeded generator, with what they hold.

use super::super::PersonalKind;
use super::super::checksum::{iban, luhn, mod_11_2, mod_11_10, verhoeff};
use super::super::national;

/// A column with its cells as they would stand in a file, and the truth about it.
pub struct Labelled {
    pub name: &'static str,
    pub cells: Vec<String>,
    pub truth: Option<PersonalKind>,
}

const ROWS: usize = 400;

/// SplitMix64 (S. Vigna): the same columns on every machine.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    pub fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }

    pub fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + self.below(10) as u8))
            .collect()
    }

    fn of_alphabet(&mut self, count: usize, alphabet: &str) -> String {
        let alphabet = alphabet.as_bytes();
        let mut one = || char::from(alphabet[self.below(alphabet.len() as u64) as usize]);
        (0..count).map(|_| one()).collect()
    }

    /// Draws until the text passes.
    fn until(&mut self, draw: impl Fn(&mut Self) -> String, good: impl Fn(&str) -> bool) -> String {
        loop {
            let text = draw(self);
            if good(&text) {
                return text;
            }
        }
    }

    fn syllables(&mut self, count: u64) -> String {
        let start = [
            "Bel", "Kor", "Tan", "Vel", "Mor", "Zan", "Ril", "Dra", "Os", "Fen",
        ];
        let more = ["a", "o", "en", "ik", "ur", "and", "eth", "im", "os", "ar"];
        let mut name = self.pick(&start).to_owned();
        (0..count).for_each(|_| name.push_str(self.pick(&more)));
        name
    }
}

const GIVEN: [&str; 16] = [
    "Anna", "Peter", "Maria", "John", "Fatima", "Wei", "Priya", "Lars", "Chloé", "Miguel", "Olga",
    "Kwame", "Siobhán", "Tariq", "Xiomara", "Zbyněk",
];
const FAMILY: [&str; 16] = [
    "Smith",
    "Müller",
    "García",
    "Rossi",
    "Nguyen",
    "Okafor",
    "Johansson",
    "Petrov",
    "Kim",
    "Dubois",
    "Quill",
    "Thackeray",
    "Vantongeren",
    "Ostrowicz",
    "Brambilla",
    "Haddad",
];
const WAYS: [&str; 8] = [
    "Street", "Road", "Ave", "Lane", "Drive", "Court", "Blvd", "Place",
];
const THINGS: [&str; 14] = [
    "copper kettle",
    "oak table",
    "blue lamp",
    "steel bolt M8",
    "garden hose",
    "paper tray",
    "glass jar",
    "wool scarf",
    "wall clock",
    "bread knife",
    "tea towel",
    "door mat",
    "desk fan",
    "soup bowl",
];
const CITIES: [&str; 14] = [
    "Berlin",
    "Lagos",
    "Oslo",
    "Lima",
    "Osaka",
    "Perth",
    "Quito",
    "Turin",
    "Leeds",
    "Cairo",
    "New York",
    "Cape Town",
    "Paris",
    "Hanoi",
];
const SENTENCES: [&str; 8] = [
    "The shipment arrived two days late and one box was open.",
    "No defects found during inspection.",
    "Replaced the left valve, see manual section 4.2.",
    "Customer asked for a refund of 19.90 EUR.",
    "Weather was fine; wind from the north-west.",
    "Speed 120 km/h at 10:15, brakes held.",
    "Order 20130101-55 closed without remarks.",
    "Ratio 3:2:1 mixed, batch no. 77 discarded.",
];

type Draw = fn(&mut Dice) -> String;

fn column(name: &'static str, truth: Option<PersonalKind>, seed: u64, draw: Draw) -> Labelled {
    let mut dice = Dice(seed);
    Labelled {
        name,
        truth,
        cells: (0..ROWS).map(|_| draw(&mut dice)).collect(),
    }
}

fn valid(scheme: &'static str) -> impl Fn(&str) -> bool {
    move |text| {
        let (_, valid) = national::examine(text);
        let place = national::SCHEMES.iter().position(|one| one.name == scheme);
        place.is_some_and(|place| valid >> place & 1 == 1)
    }
}

fn card(dice: &mut Dice) -> String {
    dice.until(
        |dice| {
            format!(
                "{}{}",
                dice.pick(&["4", "51", "5425", "2221", "6011"]),
                dice.digits(15)
            )
            .chars()
            .take(16)
            .collect()
        },
        |text| luhn(text.as_bytes()),
    )
}

fn made_iban(dice: &mut Dice) -> String {
    let body = dice.digits(18);
    let country = dice.pick(&["DE"]);
    let tried = (2..99).map(|check| format!("{country}{check:02}{body}"));
    tried
        .into_iter()
        .find(|text| iban(text))
        .unwrap_or_default()
}

fn day(dice: &mut Dice) -> (u64, u64, u64) {
    (
        dice.between(1930, 2009),
        dice.between(1, 12),
        dice.between(1, 28),
    )
}

/// Contacts, accounts and machines.
pub fn contacts() -> Vec<Labelled> {
    use PersonalKind::{Email, Iban, IpAddress, MacAddress, PaymentCard, Phone};
    vec![
        column("c1", Some(Email), 1, |d| {
            format!(
                "{}.{}@example.org",
                d.pick(&GIVEN).to_lowercase(),
                d.below(99)
            )
        }),
        column("contact", Some(Email), 2, |d| {
            format!("{}@Mail{}.example.CO.UK", d.syllables(2), d.below(9))
        }),
        column("notes", Some(Email), 3, |d| match d.below(80) {
            0 => format!("Reply to {}@example.com by Friday", d.syllables(1)),
            _ => d.pick(&SENTENCES).to_owned(),
        }),
        column("c4", Some(Phone), 4, |d| {
            format!(
                "+{} {} {}",
                d.pick(&["49", "44", "1", "61", "358"]),
                d.digits(3),
                d.digits(7)
            )
        }),
        column("value", Some(Phone), 5, |d| {
            format!(
                "({}) {}-{}",
                d.between(200, 989),
                d.between(200, 999),
                d.digits(4)
            )
        }),
        column("c6", Some(Phone), 6, |d| {
            format!(
                "0{} {} {}",
                d.between(20, 89),
                d.between(1000, 9999),
                d.digits(4)
            )
        }),
        column("mobile", Some(Phone), 7, |d| {
            format!("0{}", d.between(400_000_000, 499_999_999))
        }),
        column("remarks", Some(Phone), 8, |d| match d.below(60) {
            0 => format!(
                "call +33 1 {} {} before noon",
                d.between(10, 99),
                d.between(100_000, 999_999)
            ),
            _ => d.pick(&SENTENCES).to_owned(),
        }),
        column("c9", Some(PaymentCard), 9, |d| {
            let card = card(d);
            format!(
                "{} {} {} {}",
                &card[..4],
                &card[4..8],
                &card[8..12],
                &card[12..]
            )
        }),
        column("c10", Some(PaymentCard), 10, card),
        column("c11", Some(Iban), 11, made_iban),
        column("account", Some(Iban), 12, |d| {
            let iban = made_iban(d);
            let groups: Vec<&str> = (0..iban.len())
                .step_by(4)
                .map(|at| &iban[at..(at + 4).min(iban.len())])
                .collect();
            groups.join(" ")
        }),
        column("c13", Some(IpAddress), 13, |d| {
            format!(
                "{}.{}.{}.{}",
                d.between(1, 223),
                d.below(256),
                d.below(256),
                d.below(256)
            )
        }),
        column("line", Some(IpAddress), 14, |d| {
            format!(
                "{}.{}.0.{} - - [01/Jan/2024:10:15:00] \"GET /a{} HTTP/1.1\" 200",
                d.between(11, 99),
                d.below(256),
                d.below(256),
                d.below(99)
            )
        }),
        column("c15", Some(IpAddress), 15, |d| {
            format!(
                "2001:db8:{:x}::{:x}:{:x}",
                d.below(65_536),
                d.below(65_536),
                d.between(1, 65_535)
            )
        }),
        column("device", Some(MacAddress), 16, |d| {
            let bytes: Vec<String> = (0..6).map(|_| format!("{:02x}", d.below(256))).collect();
            bytes.join(":")
        }),
    ]
}

/// National numbers and secrets.
pub fn numbers() -> Vec<Labelled> {
    use PersonalKind::{NationalId, Secret};
    let id = Some(NationalId);
    vec![
        column("n1", id, 21, |d| d.until(|d| d.digits(9), valid("nl_bsn"))),
        column("n2", id, 22, |d| {
            d.until(
                |d| format!("{}{}", d.between(1, 9), d.digits(10)),
                valid("de_tax_id"),
            )
        }),
        column("n3", id, 23, |d| {
            d.until(
                |d| {
                    format!(
                        "{:02}{:02}{:02}{}",
                        d.below(99),
                        d.between(1, 12),
                        d.between(1, 28),
                        d.digits(5)
                    )
                },
                valid("pl_pesel"),
            )
        }),
        column("n4", id, 24, |d| {
            d.until(
                |d| {
                    format!(
                        "{}{:02}{:02}{}",
                        d.between(1, 2),
                        d.below(99),
                        d.between(1, 12),
                        d.digits(10)
                    )
                },
                valid("fr_nir"),
            )
        }),
        column("n5", id, 25, |d| {
            let number = d.between(10_000_000, 99_999_999);
            let letters = "TRWAGMYFPDXBNJZSQVHLCKE";
            letters
                .chars()
                .map(|letter| format!("{number}{letter}"))
                .find(|text| valid("es_dni_nie")(text))
                .unwrap_or_default()
        }),
        column("n6", id, 26, |d| {
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
            let body = format!(
                "{}{}{}{}{}{}{}",
                d.of_alphabet(6, alphabet),
                d.digits(2),
                d.pick(&["A", "B", "C", "D", "E", "H", "L", "M", "P", "R", "S", "T"]),
                d.between(10, 28),
                d.of_alphabet(1, alphabet),
                d.digits(3),
                ""
            );
            alphabet
                .chars()
                .map(|check| format!("{body}{check}"))
                .find(|text| valid("it_codice_fiscale")(text))
                .unwrap_or_default()
        }),
        column("n7", id, 27, |d| {
            let (year, month, day) = day(d);
            let body = format!(
                "{}{year}{month:02}{day:02}{}",
                d.between(110_000, 659_000),
                d.digits(3)
            );
            "0123456789X"
                .chars()
                .map(|check| format!("{body}{check}"))
                .find(|text| mod_11_2(text.as_bytes()))
                .unwrap_or_default()
        }),
        column("n8", id, 28, |d| {
            d.until(
                |d| format!("{}{}", d.between(2, 9), d.digits(11)),
                |text| verhoeff(text.as_bytes()),
            )
        }),
        column("n9", id, 29, |d| d.until(|d| d.digits(11), valid("br_cpf"))),
        column("n10", id, 30, |d| {
            let number = d.until(|d| d.digits(10), valid("gb_nhs_number"));
            format!("{} {} {}", &number[..3], &number[3..6], &number[6..])
        }),
        column("n11", id, 31, |d| {
            format!(
                "{:03}-{:02}-{:04}",
                d.between(1, 665),
                d.between(1, 99),
                d.between(1, 9999)
            )
        }),
        column("n12", id, 32, |d| {
            d.until(
                |d| {
                    format!(
                        "{:02}{:02}{:02}-{}",
                        d.below(99),
                        d.between(1, 12),
                        d.between(1, 28),
                        d.digits(4)
                    )
                },
                valid("se_personnummer"),
            )
        }),
        column("passport_no", id, 33, |d| {
            format!("{}{}", d.of_alphabet(2, "CFGHJK"), d.digits(7))
        }),
        column("n14", id, 34, |d| {
            d.until(
                |d| format!("{}{}", d.between(1, 9), d.digits(10)),
                |text| mod_11_10(text.as_bytes()) && valid("de_tax_id")(text),
            )
        }),
        column("s1", Some(Secret), 35, |d| {
            format!(
                "eyJ{}.eyJ{}.{}",
                d.of_alphabet(20, TOKEN),
                d.of_alphabet(40, TOKEN),
                d.of_alphabet(43, TOKEN)
            )
        }),
        column("config", Some(Secret), 36, |d| match d.below(100) {
            0 => format!(
                "aws_access_key_id = AKIA{}",
                d.of_alphabet(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
            ),
            _ => format!("timeout = {}", d.below(100)),
        }),
        column("s3", Some(Secret), 37, |d| {
            format!("ghp_{}", d.of_alphabet(36, TOKEN))
        }),
        column("password", Some(Secret), 38, |d| {
            format!("{}{}!", d.syllables(2), d.digits(4))
        }),
        column("s5", Some(Secret), 39, |d| d.of_alphabet(40, TOKEN)),
        column("pem", Some(Secret), 40, |d| {
            format!(
                "-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----",
                d.of_alphabet(60, TOKEN)
            )
        }),
    ]
}

const TOKEN: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Persons and places.
pub fn persons() -> Vec<Labelled> {
    use PersonalKind::{Address, BirthDate, Coordinates, PersonName};
    vec![
        column("date_of_birth", Some(BirthDate), 51, |d| {
            let (year, month, day) = day(d);
            format!("{year}-{month:02}-{day:02}")
        }),
        column("dob", Some(BirthDate), 52, |d| {
            let (year, month, day) = day(d);
            format!("{day:02}/{month:02}/{year}")
        }),
        column("Geburtsdatum", Some(BirthDate), 53, |d| {
            let (year, month, day) = day(d);
            format!("{day}.{month}.{year}")
        }),
        column("p4", Some(PersonName), 54, |d| {
            format!("{} {}", d.pick(&GIVEN), d.pick(&FAMILY))
        }),
        column("name", Some(PersonName), 55, |d| {
            format!("{}, {}", d.pick(&FAMILY), d.pick(&GIVEN))
        }),
        column("surname", Some(PersonName), 56, |d| d.syllables(2)),
        column("customer_name", Some(PersonName), 57, |d| {
            format!("{} {}", d.syllables(1), d.syllables(2))
        }),
        column("p8", Some(PersonName), 58, |d| {
            d.pick(&GIVEN[..12]).to_owned()
        }),
        column("Vorname", Some(PersonName), 59, |d| {
            d.pick(&GIVEN).to_owned()
        }),
        column("author", Some(PersonName), 60, |d| {
            format!(
                "{} {}. {}",
                d.pick(&GIVEN),
                d.of_alphabet(1, "ABC"),
                d.pick(&FAMILY)
            )
        }),
        column("a1", Some(Address), 61, |d| {
            format!("{} {} {}", d.between(1, 999), d.syllables(2), d.pick(&WAYS))
        }),
        column("a2", Some(Address), 62, |d| {
            format!(
                "{}{} {}",
                d.syllables(1),
                d.pick(&["straße", "weg", "gasse"]),
                d.between(1, 199)
            )
        }),
        column("street", Some(Address), 63, |d| d.syllables(3)),
        column("a4", Some(Address), 64, |d| {
            format!("{}, rue de {}", d.between(1, 120), d.syllables(1))
        }),
        column("home_address", Some(Address), 65, |d| {
            format!(
                "{} {} {}, {}",
                d.between(1, 99),
                d.syllables(1),
                d.pick(&WAYS),
                d.pick(&CITIES)
            )
        }),
        column("latitude", Some(Coordinates), 66, |d| {
            format!("{}.{}", d.between(35, 60), d.digits(6))
        }),
        column("pickup_lon", Some(Coordinates), 67, |d| {
            format!("-{}.{}", d.between(70, 79), d.digits(5))
        }),
        column("position", Some(Coordinates), 68, |d| {
            format!(
                "{}.{}, {}.{}",
                d.between(10, 60),
                d.digits(5),
                d.between(10, 150),
                d.digits(5)
            )
        }),
    ]
}

/// Columns about things, many of which look like something else.
pub fn things() -> Vec<Labelled> {
    let mut things = vec![
        column("flight", None, 101, |d| d.between(1, 8500).to_string()),
        column("tailnum", None, 102, |d| {
            format!("N{}{}", d.between(100, 999), d.of_alphabet(2, "ABCDEFGHJK"))
        }),
        column("price", None, 103, |d| {
            format!("{}.{:02}", d.between(1, 20_000), d.below(100))
        }),
        column("amount", None, 104, |d| {
            format!("${},{:03}.50", d.between(1, 99), d.below(1000))
        }),
        column("time_hour", None, 105, |d| {
            format!(
                "2013-{:02}-{:02}T{:02}:00:00Z",
                d.between(1, 12),
                d.between(1, 28),
                d.below(24)
            )
        }),
        column("created", None, 106, |d| {
            format!(
                "2021-{:02}-{:02} {:02}:15:00+01:00",
                d.between(1, 12),
                d.between(1, 28),
                d.below(24)
            )
        }),
        column("epoch_ms", None, 107, |d| {
            d.between(1_356_998_400_000, 1_388_534_400_000).to_string()
        }),
        column("epoch_us", None, 108, |d| {
            d.between(1_356_998_400_000_000, 1_388_534_400_000_000)
                .to_string()
        }),
        column("ean", None, 109, |d| format!("4{}", d.digits(12))),
        column("isbn", None, 110, |d| {
            format!(
                "0-{}-{}-{}",
                d.between(100, 999),
                d.between(10_000, 99_999),
                d.below(10)
            )
        }),
        column("uuid", None, 111, |d| {
            format!(
                "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
                d.below(1 << 32),
                d.below(1 << 16),
                d.below(4096),
                d.below(4096),
                d.below(1 << 48)
            )
        }),
        column("sha256", None, 112, |d| {
            (0..4).map(|_| format!("{:016x}", d.next())).collect()
        }),
        column("commit", None, 113, |d| {
            format!("{:016x}{:016x}{:08x}", d.next(), d.next(), d.below(1 << 32))
        }),
        column("version", None, 114, |d| {
            format!(
                "{}.{}.{}.{}",
                d.below(12),
                d.below(20),
                d.below(90),
                d.below(250)
            )
        }),
        column("release", None, 115, |d| {
            format!("{}.{}.{}", d.below(12), d.below(20), d.below(90))
        }),
        column("sku", None, 116, |d| {
            format!("AB-{}-{}", d.between(1000, 9999), d.between(10, 99))
        }),
        column("part", None, 117, |d| {
            format!("{}-{}", d.between(100, 999), d.between(1_000, 9_999))
        }),
        column("random_16", None, 118, |d| {
            format!("{}{}", d.between(1, 9), d.digits(15))
        }),
        column("seat", None, 119, |d| {
            format!("{}{}", d.between(1, 40), d.of_alphabet(1, "ABCDEF"))
        }),
        column("plate", None, 120, |d| {
            format!(
                "{} {} {}",
                d.of_alphabet(2, "BKMNST"),
                d.of_alphabet(2, "XYZ"),
                d.between(100, 9999)
            )
        }),
        column("product_name", None, 121, |d| d.pick(&THINGS).to_owned()),
        column("item", None, 122, |d| d.pick(&THINGS).to_owned()),
        column("city", None, 123, |d| d.pick(&CITIES).to_owned()),
        column("state", None, 124, |d| {
            d.pick(&[
                "Texas", "Ohio", "Georgia", "Virginia", "Nevada", "Oregon", "Iowa", "Maine", "Utah",
            ])
            .to_owned()
        }),
        column("colour", None, 125, |d| {
            d.pick(&[
                "white", "brown", "green", "black", "rose", "amber", "gray", "violet",
            ])
            .to_owned()
        }),
        column("company", None, 126, |d| {
            format!(
                "{} {}",
                d.syllables(1),
                d.pick(&["Ltd", "GmbH", "Inc.", "Holdings"])
            )
        }),
        column("operator", None, 127, |d| {
            d.pick(&[
                "SOUTHWEST AIRLINES",
                "DELTA",
                "MILITARY",
                "US AIRWAYS",
                "BUSINESS",
            ])
            .to_owned()
        }),
        column("comment", None, 128, |d| d.pick(&SENTENCES).to_owned()),
        column("reading", None, 129, |d| {
            format!("{}.{}", d.below(170), d.digits(6))
        }),
        column("lat", None, 130, |d| {
            format!("{}.{}", d.between(35, 60), d.digits(1))
        }),
        column("hex", None, 131, |d| format!("#{:06x}", d.below(1 << 24))),
        column("path", None, 132, |d| {
            format!(
                "/data/{}/{}/part-{:05}.parquet",
                d.between(2000, 2024),
                d.syllables(1),
                d.below(99_999)
            )
        }),
        column("url", None, 133, |d| {
            format!(
                "https://www.example.org/items/{}?page={}",
                d.below(99_999),
                d.below(9)
            )
        }),
        column("clock", None, 134, |d| {
            format!("{:02}:{:02}:{:02}", d.below(24), d.below(60), d.below(60))
        }),
        column("range", None, 135, |d| {
            format!("{}-{}", d.between(10, 99), d.between(100, 199))
        }),
        column("month", None, 136, |d| {
            d.pick(&["January", "April", "May", "June", "August", "October"])
                .to_owned()
        }),
        column("job", None, 137, |d| {
            d.pick(&[
                "nurse",
                "clerk",
                "driver",
                "senior engineer",
                "head of sales",
                "cook",
                "baker",
            ])
            .to_owned()
        }),
        column("icd", None, 138, |d| {
            format!(
                "{}{}.{}",
                d.of_alphabet(1, "ABCDEFGHIJ"),
                d.between(10, 99),
                d.below(10)
            )
        }),
        column("postcode", None, 139, |d| {
            d.between(10_000, 99_999).to_string()
        }),
        column("method", None, 140, |d| {
            format!(
                "get{}By{}Or{}",
                d.syllables(1),
                d.syllables(2),
                d.syllables(2)
            )
        }),
    ];
    things.extend([
        column("signed", None, 141, |d| {
            format!("+{}", d.between(1, 9_999_999))
        }),
        column("day", None, 142, |d| {
            format!(
                "{}/{:02}/{:02}",
                d.between(1990, 2020),
                d.between(1, 12),
                d.between(1, 28)
            )
        }),
        column("order_9", None, 143, |d| {
            (300_000_000 + d.below(5_000)).to_string()
        }),
        column("order_10", None, 144, |d| {
            (7_300_000_000 + d.below(9_000)).to_string()
        }),
        column("order_11", None, 145, |d| {
            (73_000_000_000 + d.below(9_000)).to_string()
        }),
        column("order_12", None, 146, |d| {
            (730_000_000_000 + d.below(9_000)).to_string()
        }),
        column("gene", None, 147, |d| {
            format!("{}{}", d.of_alphabet(3, "ABCRTX"), d.between(1, 20))
        }),
        column("ratio", None, 148, |d| {
            format!(
                "{}:{}:{}",
                d.between(1, 9),
                d.between(1, 9),
                d.between(1, 9)
            )
        }),
        column("species", None, 149, |d| {
            d.pick(&[
                "Turkey vulture",
                "Rock pigeon",
                "Mourning dove",
                "Canada goose",
            ])
            .to_owned()
        }),
        column("unit", None, 150, |d| {
            d.pick(&["kg", "lb", "m/s", "°C", "kWh"]).to_owned()
        }),
        column("token_count", None, 151, |d| {
            d.between(1_000_000, 99_999_999).to_string()
        }),
        column("file_name", None, 152, |d| {
            format!("{}_{}.csv", d.syllables(2), d.below(99))
        }),
    ]);
    things
}
