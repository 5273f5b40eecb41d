//! Units, and what one is in terms of another.

use crate::policy::ColumnType;

pub(super) const USE: &str =
    "write unit:COLUMN=FROM:TO for numbers, unit:COLUMN=TO for texts that say their unit";

/// A unit: its names, what it measures, and how many of the base unit it is, as a fraction of
/// whole numbers so that 1,000 g are 1 kg to the last bit; then what is added.
struct Unit {
    names: &'static [&'static str],
    of: &'static str,
    times: f64,
    over: f64,
    plus: f64,
}

const fn unit(names: &'static [&'static str], of: &'static str, times: f64, over: f64) -> Unit {
    Unit {
        names,
        of,
        times,
        over,
        plus: 0.0,
    }
}

/// Exact by definition (SI, the international yard and pound of 1959), but for the US gallon's kin.
const UNITS: &[Unit] = &[
    unit(&["m"], "length", 1.0, 1.0),
    unit(&["km"], "length", 1_000.0, 1.0),
    unit(&["cm"], "length", 1.0, 100.0),
    unit(&["mm"], "length", 1.0, 1_000.0),
    unit(&["in", "inch"], "length", 254.0, 10_000.0),
    unit(&["ft"], "length", 3_048.0, 10_000.0),
    unit(&["yd"], "length", 9_144.0, 10_000.0),
    unit(&["mi"], "length", 1_609_344.0, 1_000.0),
    unit(&["nmi"], "length", 1_852.0, 1.0),
    unit(&["m2", "m²"], "area", 1.0, 1.0),
    unit(&["km2", "km²"], "area", 1e6, 1.0),
    unit(&["ha"], "area", 1e4, 1.0),
    unit(&["acre", "ac"], "area", 40_468_564_224.0, 1e7),
    unit(&["l", "L"], "volume", 1.0, 1.0),
    unit(&["ml", "mL"], "volume", 1.0, 1_000.0),
    unit(&["m3", "m³"], "volume", 1_000.0, 1.0),
    unit(&["gal"], "volume", 3_785_411_784.0, 1e9),
    unit(&["kg"], "mass", 1.0, 1.0),
    unit(&["g"], "mass", 1.0, 1_000.0),
    unit(&["mg"], "mass", 1.0, 1e6),
    unit(&["t"], "mass", 1_000.0, 1.0),
    unit(&["lb", "lbs"], "mass", 45_359_237.0, 1e8),
    unit(&["oz"], "mass", 45_359_237.0, 16e8),
    unit(&["s", "sec"], "time", 1.0, 1.0),
    unit(&["ms"], "time", 1.0, 1_000.0),
    unit(&["min"], "time", 60.0, 1.0),
    unit(&["h", "hr"], "time", 3_600.0, 1.0),
    unit(&["d"], "time", 86_400.0, 1.0),
    unit(&["m/s"], "speed", 1.0, 1.0),
    unit(&["km/h", "kmh"], "speed", 10.0, 36.0),
    unit(&["mph"], "speed", 44_704.0, 1e5),
    unit(&["kn", "kt"], "speed", 1_852.0, 3_600.0),
    unit(&["ft/s"], "speed", 3_048.0, 1e4),
    unit(&["Pa"], "pressure", 1.0, 1.0),
    unit(&["hPa", "mbar"], "pressure", 100.0, 1.0),
    unit(&["kPa"], "pressure", 1_000.0, 1.0),
    unit(&["bar"], "pressure", 1e5, 1.0),
    unit(&["atm"], "pressure", 101_325.0, 1.0),
    unit(&["J"], "energy", 1.0, 1.0),
    unit(&["kJ"], "energy", 1_000.0, 1.0),
    unit(&["Wh"], "energy", 3_600.0, 1.0),
    unit(&["kWh"], "energy", 3.6e6, 1.0),
    unit(&["MWh"], "energy", 3.6e9, 1.0),
    unit(&["cal"], "energy", 4_184.0, 1_000.0),
    unit(&["kcal"], "energy", 4_184.0, 1.0),
    unit(&["W"], "power", 1.0, 1.0),
    unit(&["kW"], "power", 1_000.0, 1.0),
    unit(&["MW"], "power", 1e6, 1.0),
    unit(&["B"], "data", 1.0, 1.0),
    unit(&["kB", "KB"], "data", 1_000.0, 1.0),
    unit(&["MB"], "data", 1e6, 1.0),
    unit(&["GB"], "data", 1e9, 1.0),
    unit(&["KiB"], "data", 1_024.0, 1.0),
    unit(&["MiB"], "data", 1_048_576.0, 1.0),
    unit(&["GiB"], "data", 1_073_741_824.0, 1.0),
    Unit {
        names: &["K"],
        of: "temperature",
        times: 1.0,
        over: 1.0,
        plus: -273.15,
    },
    unit(&["°C", "C", "degC"], "temperature", 1.0, 1.0),
    Unit {
        names: &["°F", "F", "degF"],
        of: "temperature",
        times: 5.0,
        over: 9.0,
        plus: -160.0 / 9.0,
    },
];

fn find(name: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.names.contains(&name))
}

/// How a number in one unit becomes one in another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversion {
    times: f64,
    over: f64,
    plus: f64,
}

impl Conversion {
    /// None when a unit is not known or they measure different things.
    pub fn between(from: &str, to: &str) -> Option<Self> {
        let (from, to) = (find(from)?, find(to)?);
        (from.of == to.of).then_some(Self {
            times: from.times * to.over,
            over: from.over * to.times,
            plus: (from.plus - to.plus) * to.over / to.times,
        })
    }

    pub fn of(self, value: f64) -> f64 {
        match self.plus == 0.0 {
            true => value * self.times / self.over,
            false => value * self.times / self.over + self.plus,
        }
    }
}

/// `FROM:TO`, or `TO` alone.
pub(super) fn names(text: &str) -> Result<(Option<String>, String), String> {
    let unknown = |name: &str| {
        let known: Vec<&str> = UNITS
            .iter()
            .filter_map(|u| u.names.first().copied())
            .collect();
        format!(
            "{name:?} is no unit that is known; known are {}",
            known.join(", ")
        )
    };
    let Some((from, to)) = text.split_once(':') else {
        let to = find(text).map(|_| text.to_owned());
        return Ok((None, to.ok_or_else(|| unknown(text))?));
    };
    for name in [from, to] {
        find(name).ok_or_else(|| unknown(name))?;
    }
    match Conversion::between(from, to) {
        Some(_) => Ok((Some(from.to_owned()), to.to_owned())),
        None => Err(format!("{from} and {to} do not measure the same thing")),
    }
}

pub(super) fn fits(kind: ColumnType, says_from: bool) -> Result<(), &'static str> {
    match (kind, says_from) {
        (ColumnType::Float64, true) | (ColumnType::String, false) => Ok(()),
        (ColumnType::Float64, false) => Err("numbers do not say their unit; write FROM:TO"),
        (ColumnType::String, true) => Err("texts say their unit themselves; write TO alone"),
        _ => Err("only float64 and string columns can be converted; declare it as float64"),
    }
}

/// A text such as `1200 g` in another unit; none where there is nothing to change.
pub(super) fn rewritten(text: &str, to: &str) -> Option<String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c))?;
    let (number, unit) = text.split_at(end);
    let (value, unit) = (crate::clean::float(number)?, unit.trim());
    if unit == to {
        return None;
    }
    let value = Conversion::between(unit, to)?.of(value);
    Some(format!("{value} {to}"))
}
