//! What is checked after a rollout, before it is called a success.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use regex_lite::Regex;
use url::Url;

use super::InputError;
use super::field;
use super::from_inputs::Reader;
use crate::runner::Inputs;

/// How long a service may take until it answers as it should, and how long alarms are watched, unless the user says.
const MINUTES: f64 = 5.0;
/// GitHub ends a job on its own machines after six hours.
const MINUTES_MOST: f64 = 360.0;
const INTERVAL_SECONDS: u64 = 5;
const SUCCESSES: u32 = 3;

/// What is checked after a rollout.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verification {
    /// An address that has to answer.
    pub health_check: Option<HealthCheck>,
    /// CloudWatch alarms that must not go off, by name.
    pub alarms: Vec<String>,
    /// How long these are watched.
    pub watch_alarms: Duration,
    /// What to do about alarms that are in ALARM before anything is changed.
    pub alarm_preflight: AlarmPreflight,
}

impl Verification {
    /// The first input that asks for a check after the rollout, if one does.
    pub(super) fn asked_by(&self) -> Option<&'static str> {
        if self.health_check.is_some() {
            return Some("health-check-url");
        }
        (!self.alarms.is_empty()).then_some("rollback-alarms")
    }
}

/// What to do about alarms that are in ALARM before anything is changed: the input `alarm-preflight`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AlarmPreflight {
    /// Change nothing.
    Fail,
    /// Say so, and deploy.
    #[default]
    Warn,
    /// Do not look at the alarms of the service.
    Ignore,
}

/// An address that has to answer.
#[derive(Debug, Clone)]
pub struct HealthCheck {
    /// Which one.
    pub address: Address,
    /// The HTTP statuses that are good.
    pub status: Statuses,
    /// What the answer's body has to contain.
    pub body: Option<Regex>,
    /// From one question to the next.
    pub interval: Duration,
    /// How many answers in a row have to be good.
    pub successes: u32,
    /// In which time.
    pub within: Duration,
}

impl PartialEq for HealthCheck {
    fn eq(&self, other: &Self) -> bool {
        let Self { address, status, body, interval, successes, within } = self;
        (address, status, body.as_ref().map(Regex::as_str), interval, successes, within)
            == (
                &other.address,
                &other.status,
                other.body.as_ref().map(Regex::as_str),
                &other.interval,
                &other.successes,
                &other.within,
            )
    }
}

/// A URL. Its user information and its query can be secrets, so neither `Display` nor `Debug` shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// Reads an `http` or `https` URL. The error's text holds nothing of it.
    ///
    /// # Errors
    /// When it is none, or when it would send a password in the clear.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("it is neither an http nor an https URL".to_owned());
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user && url.scheme() == "http" {
            return Err("it would send its user name and password unencrypted".to_owned());
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The whole URL, for the one who calls it.
    pub const fn reveal(&self) -> &Url {
        &self.0
    }

    /// Where a redirect leads, when it may be followed: on the same host and port, or from `http` to `https` on the same host
    /// with their usual ports. Whatever user information the redirect names is not used.
    #[must_use]
    pub fn redirected(&self, location: &str) -> Option<Self> {
        let here = &self.0;
        let mut there = here.join(location).ok()?;
        let is_same = there.scheme() == here.scheme() && there.port_or_known_default() == here.port_or_known_default();
        let is_upgrade = (here.scheme(), there.scheme()) == ("http", "https")
            && (here.port_or_known_default(), there.port_or_known_default()) == (Some(80), Some(443));
        if there.host() != here.host() || !(is_same || is_upgrade) {
            return None;
        }
        there.set_username(here.username()).ok()?;
        there.set_password(here.password()).ok()?;
        there.set_fragment(None);
        Some(Self(there))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())?;
        if url.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// HTTP statuses, as ranges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Whether that status is one of them.
    pub fn contain(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            match (range.start(), range.end()) {
                (start, end) if start == end => write!(f, "{comma}{start}")?,
                (start, end) => write!(f, "{comma}{start}-{end}")?,
            }
        }
        Ok(())
    }
}

/// Reads the inputs of this file.
pub(super) fn verification(inputs: &Inputs, waits: bool, reader: &mut Reader) -> Verification {
    let health_check = health_check(inputs, reader);
    let mut alarms = inputs.rollback_alarms.as_deref().map(field::list).unwrap_or_default();
    let mut seen = std::collections::HashSet::new();
    alarms.retain(|name| seen.insert(name.clone()));
    if let Some(arn) = alarms.iter().find(|name| name.starts_with("arn:") || name.chars().count() > 255) {
        let problem = format!("`{arn}` is not the name of an alarm");
        reader.keep::<()>(Err(InputError::new(
            "rollback-alarms",
            problem,
            "write names, one a line or between commas",
        )));
    }
    let watch_alarms = inputs
        .verify_minutes
        .as_deref()
        .and_then(|text| reader.keep(field::minutes("verify-minutes", text, MINUTES_MOST)));
    if alarms.is_empty() && inputs.verify_minutes.is_some() {
        reader.keep::<()>(Err(InputError::new(
            "verify-minutes",
            "there is nothing to watch, because `rollback-alarms` names no alarm",
            "name the alarms, or leave this input out",
        )));
    }
    let asked = [("health-check-url", inputs.health_check_url.is_some()), ("rollback-alarms", !alarms.is_empty())];
    for (input, _) in asked.into_iter().filter(|(_, is_asked)| *is_asked && !waits) {
        reader.keep::<()>(Err(InputError::new(
            input,
            "nobody is there to check, because `wait-for-service-stability` is false",
            "wait, or leave this input out",
        )));
    }
    let alarm_preflight = inputs.alarm_preflight.as_deref().and_then(|text| {
        let choices =
            [("fail", AlarmPreflight::Fail), ("warn", AlarmPreflight::Warn), ("ignore", AlarmPreflight::Ignore)];
        reader.keep(field::choice("alarm-preflight", text, &choices))
    });
    Verification {
        health_check,
        alarms,
        watch_alarms: watch_alarms.unwrap_or_else(|| Duration::from_secs_f64(MINUTES * 60.0)),
        alarm_preflight: alarm_preflight.unwrap_or_default(),
    }
}

fn health_check(inputs: &Inputs, reader: &mut Reader) -> Option<HealthCheck> {
    let details = [
        ("health-check-status", &inputs.health_check_status),
        ("health-check-body", &inputs.health_check_body),
        ("health-check-interval-seconds", &inputs.health_check_interval_seconds),
        ("health-check-successes", &inputs.health_check_successes),
        ("health-check-minutes", &inputs.health_check_minutes),
    ];
    if inputs.health_check_url.is_none() {
        for (input, _) in details.into_iter().filter(|(_, value)| value.is_some()) {
            let remedy = "name the address in `health-check-url`, or leave this input out";
            reader.keep::<()>(Err(InputError::new(input, "there is no address to check", remedy)));
        }
        return None;
    }
    let address = inputs.health_check_url.as_deref().and_then(|text| {
        let remedy = "write an address such as https://www.example.com/health";
        reader.keep(Address::parse(text).map_err(|problem| InputError::new("health-check-url", problem, remedy)))
    });
    let status = inputs
        .health_check_status
        .as_deref()
        .map_or(Some(Statuses(vec![200..=299])), |text| reader.keep(statuses(text)));
    let body = inputs.health_check_body.as_deref().and_then(|text| {
        let wrong = |error: regex_lite::Error| {
            let remedy = "write one as the Rust crate `regex-lite` has them";
            InputError::new("health-check-body", format!("it is not a regular expression: {error}"), remedy)
        };
        reader.keep(Regex::new(text).map_err(wrong))
    });
    let interval = inputs.health_check_interval_seconds.as_deref().map_or(Some(INTERVAL_SECONDS), |text| {
        reader.keep(field::within("health-check-interval-seconds", text, 1..=300, "write seconds, 1 to 300"))
    });
    let successes = inputs.health_check_successes.as_deref().map_or(Some(SUCCESSES), |text| {
        reader.keep(field::within("health-check-successes", text, 1..=100, "write how many answers in a row, 1 to 100"))
    });
    let within = inputs.health_check_minutes.as_deref().map_or(Some(Duration::from_secs_f64(MINUTES * 60.0)), |text| {
        reader.keep(field::minutes("health-check-minutes", text, MINUTES_MOST))
    });
    let (interval, successes, within) = (Duration::from_secs(interval?), successes?, within?);
    if interval * (successes - 1) > within {
        let problem = format!("{successes} answers, {} s apart, do not fit into it", interval.as_secs());
        let remedy = "allow more minutes, or ask for fewer answers";
        reader.keep::<()>(Err(InputError::new("health-check-minutes", problem, remedy)));
    }
    Some(HealthCheck { address: address?, status: status?, body, interval, successes, within })
}

fn statuses(text: &str) -> Result<Statuses, InputError> {
    let wrong = || {
        InputError::new(
            "health-check-status",
            format!("`{text}` is not a list of HTTP statuses"),
            "write statuses and ranges of them, such as `200-299, 401`",
        )
    };
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=599).contains(status));
    let ranges: Option<Vec<_>> = field::list(text)
        .iter()
        .map(|item| {
            let item = item.as_str();
            let (start, end) = item.split_once('-').unwrap_or((item, item));
            Some(number(start)?..=number(end)?).filter(|range| !range.is_empty())
        })
        .collect();
    ranges.filter(|ranges| !ranges.is_empty()).map(Statuses).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_secret_in_a_url_is_not_shown(
            user in "U[a-z0-9]{6}", password in "P[a-z0-9]{6}", query in "Q[a-z0-9=&%!]{6,40}", fragment in "F[a-z0-9]{6}",
            port in proptest::option::of(1_u16..), path in "(/[a-z]{1,5}){0,3}",
        ) {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let text = format!("https://{user}:{password}@web.example{port}{path}?{query}#{fragment}");
            let address = Address::parse(&text).unwrap();
            for shown in [address.to_string(), format!("{address:?}"), format!("{:?}", address.redirected("/x?Qagain"))] {
                prop_assert!(shown.contains("https://web.example"), "{shown}");
                for secret in [&user, &password, &query[..7], &fragment, "Qagain"] {
                    prop_assert!(!shown.contains(secret), "{shown} shows {secret}");
                }
            }
        }

        #[test]
        fn the_complaint_about_a_url_holds_nothing_of_it(rest in "[a-zA-Z0-9:/?@#%&=.-]{8,40}") {
            for scheme in ["", "ftp://", "http://user:secret@", "https://[", "//"] {
                if let Err(problem) = Address::parse(&format!("{scheme}{rest}")) {
                    prop_assert!(!problem.contains(&rest) && !problem.contains("secret"), "{problem}");
                }
            }
        }
    }

    #[test]
    fn a_redirect_is_followed_on_the_same_host_only() {
        for (here, location, there) in [
            ("https://web.example/a", "/b?c", Some("https://web.example/b?…")),
            ("https://web.example/a/", "b", Some("https://web.example/a/b")),
            ("https://web.example/a", "https://web.example:443/b", Some("https://web.example/b")),
            ("http://web.example/a", "https://web.example/a", Some("https://web.example/a")),
            ("https://web.example/a", "http://web.example/a", None),
            ("https://web.example/a", "https://web.example:8443/a", None),
            ("http://web.example:8080/a", "https://web.example/a", None),
            ("https://web.example/a", "https://evil.example/a", None),
            ("https://web.example/a", "//evil.example/a", None),
            ("https://web.example/a", "https://web.example@evil.example/", None),
            ("https://web.example/a", "https://web.example.evil.example/", None),
            ("https://web.example/a", "file:///etc/passwd", None),
            ("https://web.example/a", "https://[", None),
        ] {
            let followed = Address::parse(here).unwrap().redirected(location).map(|address| address.to_string());
            assert_eq!(followed.as_deref(), there, "{here} to {location}");
        }
    }

    #[test]
    fn a_redirect_keeps_the_user_of_the_address_and_takes_none_of_its_own() {
        let address = Address::parse("https://user:password@web.example/").unwrap();
        for location in ["/a", "https://web.example/a", "https://other:one@web.example/a"] {
            let there = address.redirected(location).unwrap();
            assert_eq!(there.reveal().as_str(), "https://user:password@web.example/a", "{location}");
        }
    }

    #[test]
    fn statuses_are_numbers_and_ranges() {
        for (text, good, bad) in [("200-299", 204, 300), ("200, 301-302", 302, 201), ("401", 401, 400)] {
            let statuses = statuses(text).unwrap();
            assert!(statuses.contain(good) && !statuses.contain(bad), "{text}");
            assert_eq!(statuses.to_string(), text);
        }
        for text in ["", "ok", "99", "600", "299-200", "200-", "-", "200-299-300", "200;201"] {
            assert!(self::statuses(text).is_err(), "{text}");
        }
    }
}
