//! Panics of a decoder, kept where they belong.
//!
//! Decoders panic on some damaged pages (an index without a dictionary, for one). That is the
//! file's fault, and no reason to end whoever looks at it, or to print a line about it: the
//! process-wide hook stays silent while the thread that panics is decoding, and what the panic
//! said goes into the refusal.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use crate::preflight::Refusal;

thread_local! {
    /// Is this thread decoding?
    static DECODING: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic while decoding was, and what it said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Words that a message made by the language itself begins with: they hold lengths and positions,
/// while other messages may quote what stands in the file.
const HARMLESS: [&str; 5] = [
    "index out of bounds",
    "range ",
    "slice index",
    "attempt to ",
    "mid > len",
];

/// Runs a decoder. What it used must not be used again after a refusal.
pub(super) fn contained<T>(decode: impl FnOnce() -> T) -> Result<T, Refusal> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| match DECODING.get() {
            true => SAID.set(words(info)),
            false => others(info),
        }));
    });
    let before = DECODING.replace(true);
    let done = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(before);
    done.map_err(|_| {
        let said = SAID.take();
        Refusal::Corrupt(format!("a page makes no sense to the decoder ({said})"))
    })
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(String::new, |place| {
        let file = place.file().rsplit('/').next().unwrap_or_default();
        format!("{file}:{}", place.line())
    });
    match said(info.payload()) {
        Some(said) => format!("{place}: {said}"),
        None => place,
    }
}

fn said(payload: &(dyn Any + Send)) -> Option<&str> {
    let fixed = payload.downcast_ref::<&'static str>().copied();
    let made = payload.downcast_ref::<String>().map(String::as_str);
    let harmless = |text: &&str| HARMLESS.iter().any(|words| text.starts_with(words));
    fixed.or(made.filter(harmless))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(decode: impl FnOnce()) -> String {
        contained(decode).expect_err("it panics").to_string()
    }

    #[test]
    fn what_a_panic_said_is_kept_unless_it_may_quote_the_file() {
        let none: Vec<u8> = Vec::new();
        let text = refused(|| assert_eq!(none[std::hint::black_box(3)], 0));
        assert!(text.contains("contained.rs:"), "{text}");
        assert!(text.contains("the len is 0 but the index is 3"), "{text}");
        let text = refused(|| std::panic::panic_any("a page without a dictionary"));
        assert!(text.contains("a page without a dictionary"), "{text}");
        let secret = "4111 1111";
        let text = refused(|| panic!("bad value {}", std::hint::black_box(secret)));
        assert!(
            !text.contains(secret) && text.contains("contained.rs:"),
            "{text}"
        );
        assert!(matches!(contained(|| 5), Ok(5)));
        assert!(!DECODING.get());
    }
}
