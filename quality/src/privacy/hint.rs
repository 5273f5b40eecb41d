//! What the name of a column says about its cells. A name alone flags nothing: the cells have to
//! look the part.

/// Hints of one column name; several may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hint {
    pub phone: bool,
    pub card: bool,
    /// A number given to a person.
    pub id: bool,
    pub ip: bool,
    pub secret: bool,
    pub birth: bool,
    /// Certainly the name of a person: `surname`, `patient_name`.
    pub person: bool,
    /// Possibly: `name`, `author`.
    pub perhaps_person: bool,
    pub address: bool,
    pub coordinate: bool,
    /// A version number, which looks like an IP address.
    pub version: bool,
}

/// Words that make a name the name of a thing.
const THINGS: &str = "product item file host domain company organisation organization org airport city \
     town country county state province region suburb district species model brand \
     station column table event team school university store shop hotel restaurant game \
     movie film song album title color colour scientific common chemical drug gene \
     project package module class category vessel ship aircraft airline carrier operator \
     manufacturer river mountain field place";

/// Words that name a person's name by themselves.
const NAMES: &str = "forename forenames surname surnames lastname firstname fullname givenname middlename \
     familyname maidenname nickname vorname nachname familienname prenom prénom apellido \
     apellidos cognome sobrenome imie imię nazwisko fornamn efternamn achternaam";

/// Words that make `name` beside them the name of a person.
const PERSONS: &str = "given first last middle family maiden full customer client patient employee student \
     teacher contact person passenger author owner member guest driver doctor recipient \
     sender holder cardholder beneficiary applicant tenant resident subscriber donor \
     player witness manager spouse child";

/// Roles that may stand without the word `name`.
const ROLES: &str = "name nom nombre nome naam namn author signatory cardholder passenger patient contact \
     recipient sender";

/// Words for postal addresses.
const ADDRESSES: &str = "address addr adresse street strasse straße dirección direccion endereco endereço \
     indirizzo adres calle rue";

/// Words that make an address no postal one.
const DIGITAL: &str = "ip mac email mail url web memory wallet";

/// Words for births.
const BIRTHS: &str = "birth born dob birthday birthdate geburtsdatum geboren naissance nacimiento nascita \
     nascimento geboortedatum";

/// Words for telephone numbers.
const PHONES: &str = "phone phones telephone tel mobile cell cellphone fax telefon telefono teléfono handy \
     msisdn whatsapp";

/// Words for payment cards.
const CARDS: &str = "card pan creditcard cc ccnum";

/// Numbers that states give to persons, by their short names.
const IDS: &str = "ssn nin nino nhs bsn tfn sin cpf pesel dni nie nir aadhaar passport taxid steuerid \
     personnummer hetu nif mrn";

/// Words for secrets.
const SECRETS: &str =
    "password passwd pwd secret token apikey credential credentials passphrase bearer";

/// Words for places on earth.
const COORDINATES: &str =
    "lat lon lng long latitude longitude coord coords coordinates geo location gps";

/// Words for version numbers.
const VERSIONS: &str = "version ver release build firmware oid section";

impl Hint {
    /// Reads a column name: words split at anything but letters and digits, and at capitals.
    pub fn of(column: &str) -> Self {
        let words = words(column);
        let has = |list: &str| {
            let mut listed = list.split(' ');
            listed.any(|known| words.iter().any(|word| word == known))
        };
        let pair = |first: &str, second: &str| {
            let mut pairs = words.windows(2);
            pairs.any(|two| two[0] == first && two[1] == second)
        };
        let (thing, name, address) = (has(THINGS), has("name names"), has(ADDRESSES));
        let social = has("soc social") && has("sec security insurance number id");
        let official = has("national tax identity personal passport licence license")
            && has("id number no nr num")
            && !has("plate rate");
        let key = ["api", "access", "private"]
            .iter()
            .any(|of| pair(of, "key"));
        Self {
            phone: has(PHONES),
            card: has(CARDS),
            id: has(IDS) || social || official || pair("medical", "record"),
            ip: has("ip ipv4 ipv6 ipaddr ipaddress addr") || pair("client", "host"),
            secret: has(SECRETS) || key,
            birth: has(BIRTHS) && !has("place city country rate weight order"),
            person: !thing
                && !address
                && (has(NAMES) || name && has(PERSONS) || pair("given", "names")),
            perhaps_person: !thing && !address && has(ROLES),
            address: address && !has(DIGITAL) && !has("id") || words == ["addr"],
            coordinate: has(COORDINATES),
            version: has(VERSIONS),
        }
    }
}

/// Lower-case words of a name.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let boundary = !c.is_alphanumeric()
            || c.is_numeric() != before.is_numeric() && before.is_alphanumeric()
            || c.is_uppercase() && before.is_lowercase();
        if boundary {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && c.is_alphanumeric()
        {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    // "IPv4" falls apart at its digits; its word is needed, too.
    words.push(name.to_lowercase());
    words.retain(|word| !word.is_empty());
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns_are_read_as_words() {
        assert_eq!(words("dateOfBirth"), ["date", "of", "birth", "dateofbirth"]);
        assert_eq!(words("address_1"), ["address", "1", "address_1"]);
        for person in [
            "surname",
            "given_name",
            "customerName",
            "Last Name",
            "Vorname",
        ] {
            assert!(Hint::of(person).person, "{person}");
        }
        for thing in [
            "Airport Name",
            "file_name",
            "product name",
            "hostname",
            "street_name",
            "city",
        ] {
            let hint = Hint::of(thing);
            assert!(!hint.person && !hint.perhaps_person, "{thing}");
        }
        assert!(Hint::of("name").perhaps_person && !Hint::of("name").person);
        assert!(Hint::of("date_of_birth").birth && !Hint::of("birth_place").birth);
        assert!(Hint::of("soc_sec_id").id && !Hint::of("tailnum").id && !Hint::of("entity").id);
        assert!(Hint::of("street_number").address && !Hint::of("ip_address").address);
        assert!(Hint::of("ip_address").ip && Hint::of("client_ip").ip);
        assert!(Hint::of("pickup_latitude").coordinate && Hint::of("phoneNumber").phone);
        assert_eq!(Hint::of("flight"), Hint::default());
    }
}
