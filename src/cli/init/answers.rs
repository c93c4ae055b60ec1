//! What a first config is made from, each answer checked as `vigie check` would: by reading the config that it makes.

use super::{Init, template};
use crate::config::{Outside, Secrets, Settings};
use crate::connectors::Library;
use crate::domain::people::UserRef;
use anyhow::bail;
use jiff::tz::TimeZone;

/// A good answer to everything that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// With its `#`, or an id.
    pub channel: String,
    /// An IANA name.
    pub timezone: String,
    pub source: String,
    /// `None`: it is written into the file later.
    pub lead: Option<String>,
}

/// Which answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    Channel,
    Timezone,
    Source,
    Lead,
}

impl Question {
    pub const ALL: [Self; 4] = [Self::Channel, Self::Timezone, Self::Source, Self::Lead];

    /// The flag that answers it.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Channel => "--channel",
            Self::Timezone => "--timezone",
            Self::Source => "--source",
            Self::Lead => "--lead",
        }
    }
}

impl Answers {
    /// What Enter means everywhere.
    pub fn defaults() -> Self {
        Self {
            channel: "#soc-alerts".to_owned(),
            timezone: machines_zone(),
            source: "siem".to_owned(),
            lead: None,
        }
    }

    /// These with one answer more; where it is none that a config takes, why.
    pub fn with(&self, question: Question, said: &str) -> Result<Self, String> {
        let said = said.trim();
        let mut answers = self.clone();
        match question {
            Question::Channel => answers.channel = said.to_owned(),
            Question::Timezone => answers.timezone = said.to_owned(),
            Question::Source => answers.source = said.to_owned(),
            Question::Lead => answers.lead = Some(said.to_owned()),
        }
        if said.is_empty() {
            return Err("an answer is wanted".to_owned());
        }
        let settings = read(&answers)?;
        // What the file says is what was said, whatever stands in it.
        let channel = settings.slack.channel.0;
        let zone = settings.slack.timezone.iana_name().unwrap_or_default().to_owned();
        let lead = settings.roles.get(&"lead".into()).and_then(|lead| lead.users.first());
        let is_said = channel.trim_start_matches('#') == answers.channel.trim_start_matches('#')
            && zone.eq_ignore_ascii_case(&answers.timezone)
            && settings.sources.keys().map(|name| name.as_str()).eq([answers.source.as_str()])
            && lead.map(|UserRef(lead)| lead) == answers.lead.as_ref();
        match is_said {
            true => Ok(Self { channel, timezone: zone, ..answers }),
            false => Err("it cannot be written into a config".to_owned()),
        }
    }
}

/// The zone by `/etc/localtime` or `TZ`, where it has a name; else UTC.
fn machines_zone() -> String {
    let zone = TimeZone::try_system().ok().filter(|zone| !zone.is_unknown());
    let name = zone.as_ref().and_then(TimeZone::iana_name);
    name.filter(|name| TimeZone::get(name).is_ok()).unwrap_or("UTC").to_owned()
}

fn read(answers: &Answers) -> Result<Settings, String> {
    let nothing = |_: &str| None;
    let outside = Outside {
        env: &nothing,
        mappings: &["generic"],
        connectors: Library::shipped(),
        secrets: Secrets::Leave,
    };
    Settings::read("vigie.yaml", &template::config(answers), &outside).map_err(|problems| {
        problems.into_iter().next().map_or_else(String::new, |problem| match problem.hint {
            Some(hint) => format!("{}; {hint}", problem.message),
            None => problem.message,
        })
    })
}

/// The flags' answers, which are good, and the questions that are left.
#[derive(Clone, Debug)]
pub struct Given {
    pub answers: Answers,
    pub open: Vec<Question>,
}

impl Given {
    /// What the flags say; a bad one is refused with its reason.
    pub fn of(args: &Init) -> anyhow::Result<Self> {
        let mut given = Self { answers: Answers::defaults(), open: Vec::new() };
        for question in Question::ALL {
            let said = match question {
                Question::Channel => &args.channel,
                Question::Timezone => &args.timezone,
                Question::Source => &args.source,
                Question::Lead => &args.lead,
            };
            match said {
                None => given.open.push(question),
                Some(said) => match given.answers.with(question, said) {
                    Ok(answers) => given.answers = answers,
                    Err(why) => bail!("{}: {why}", question.flag()),
                },
            }
        }
        Ok(given)
    }

    /// Nobody is asked.
    pub fn or_defaults(self) -> Answers {
        self.answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_answer_is_checked_as_the_config_would() {
        let with = |question, said: &str| Answers::defaults().with(question, said);
        let channel = |said| with(Question::Channel, said).map(|answers| answers.channel);
        assert_eq!(channel(" soc "), Ok("#soc".to_owned()));
        assert_eq!(channel("C0SOC123"), Ok("C0SOC123".to_owned()));
        assert!(channel("#So c").expect_err("no channel").contains("is no channel"));
        let zone = |said| with(Question::Timezone, said).map(|answers| answers.timezone);
        assert_eq!(zone("europe/paris"), Ok("Europe/Paris".to_owned()));
        assert!(zone("Europe/Pari").expect_err("no zone").contains("did you mean `Europe/Paris`?"));
        assert!(with(Question::Source, "My SIEM").expect_err("no name").contains("small letters"));
        assert!(with(Question::Lead, "#soc").expect_err("no person").contains("is a channel"));
        assert!(with(Question::Lead, " ").is_err());
    }

    #[test]
    fn words_that_yaml_reads_as_something_else_stay_words() {
        for said in ["true", "null", "1", "1e3", "0x10", "no", "2026-01-01", "..."] {
            let answers = Answers::defaults().with(Question::Source, said).expect(said);
            assert_eq!(answers.source, said);
        }
    }

    /// Each would be a whole config of its own, were it not for the quotes around it.
    #[test]
    fn what_would_break_out_of_its_string_changes_nothing_else() {
        let user = "a@b.c\"\n  auditor:\n    users:\n      - \"x@y.z";
        let source = "s\":\n    type: generic\n    auth: none\n  \"t";
        let channel = "c\"\n  api_url: \"https://evil.example.com/";
        let zone = "UTC\"\nlog:\n  level: \"trace";
        for (question, said) in [
            (Question::Lead, user),
            (Question::Source, source),
            (Question::Channel, channel),
            (Question::Timezone, zone),
        ] {
            let refused = Answers::defaults().with(question, said);
            assert!(refused.is_err(), "{refused:?}");
            let mut answers = Answers::defaults();
            match question {
                Question::Lead => answers.lead = Some(said.to_owned()),
                Question::Source => answers.source = said.to_owned(),
                Question::Channel => answers.channel = said.to_owned(),
                Question::Timezone => answers.timezone = said.to_owned(),
            }
            assert!(read(&answers).is_err(), "it stays one word, which is no good one: {said:?}");
        }
    }

    proptest! {
        /// Whatever is said, the config says that and no more, or it is refused.
        #[test]
        fn a_hostile_answer_stays_in_its_place(
            said in "[\\PC\n\t\"'#:{}\\[\\]\u{85}\u{2028}\u{feff}]{0,30}",
            which in 0..4_usize,
        ) {
            if let Ok(answers) = Answers::defaults().with(Question::ALL[which], &said) {
                let settings = read(&answers).expect("it was read before");
                prop_assert!(settings.warnings.len() <= 1);
                prop_assert_eq!((settings.sources.len(), settings.roles.len()), (1, 1));
                prop_assert_eq!(settings.routes.len(), 1);
            }
        }
    }
}
