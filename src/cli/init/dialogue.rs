//! The questions on a terminal: one a line, Enter takes what stands in brackets, a bad answer is asked for again.

use super::answers::{Answers, Given, Question};
use anyhow::{Context as _, bail};
use std::io::{BufRead, Write};

/// Asks what no flag has said.
pub fn ask(given: &Given, from: &mut dyn BufRead, to: &mut dyn Write) -> anyhow::Result<Answers> {
    let mut answers = given.answers.clone();
    for question in &given.open {
        answers = one(&answers, *question, (from, to))?;
    }
    Ok(answers)
}

fn one(
    answers: &Answers,
    question: Question,
    (from, to): (&mut dyn BufRead, &mut dyn Write),
) -> anyhow::Result<Answers> {
    loop {
        write!(to, "{} ", words(question, answers))
            .and_then(|()| to.flush())
            .context("the terminal")?;
        let mut line = String::new();
        if from.read_line(&mut line).context("the terminal")? == 0 {
            bail!("no more answers came; nothing was written. Without questions: vigie init --yes");
        }
        if line.trim().is_empty() {
            return Ok(answers.clone());
        }
        match answers.with(question, &line) {
            Ok(answers) => return Ok(answers),
            Err(why) => writeln!(to, "  {why}").context("the terminal")?,
        }
    }
}

fn words(question: Question, answers: &Answers) -> String {
    match question {
        Question::Channel => format!("Slack channel for alerts [{}]:", answers.channel),
        Question::Timezone => format!("Time zone [{}]:", answers.timezone),
        Question::Source => format!(
            "Name of what sends alerts first; it posts JSON to /hooks/NAME [{}]:",
            answers.source
        ),
        Question::Lead => {
            "E-mail of the lead, who hears of what nobody acknowledges [write it into the file later]:".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(open: &[Question]) -> Given {
        let answers = Answers { timezone: "UTC".to_owned(), ..Answers::defaults() };
        Given { answers, open: open.to_vec() }
    }

    #[test]
    fn enter_takes_the_default_and_a_bad_answer_is_asked_for_again() {
        let typed = b"\nMars/Olympus\nEurope/Paris\n\ncarla@example.com\n";
        let mut said = Vec::new();
        let answers = ask(&given(&Question::ALL), &mut &typed[..], &mut said).expect("answered");
        assert_eq!((answers.channel.as_str(), answers.source.as_str()), ("#soc-alerts", "siem"));
        assert_eq!(answers.timezone, "Europe/Paris");
        assert_eq!(answers.lead.as_deref(), Some("carla@example.com"));
        let said = String::from_utf8(said).expect("text");
        assert!(said.contains("`Mars/Olympus` is no time zone"), "{said}");
        assert_eq!(said.matches("Time zone [UTC]:").count(), 2, "{said}");
    }

    #[test]
    fn what_a_flag_says_is_not_asked() {
        let mut said = Vec::new();
        ask(&given(&[Question::Lead]), &mut &b"\n"[..], &mut said).expect("answered");
        assert_eq!(String::from_utf8(said).expect("text").matches(':').count(), 1);
    }

    #[test]
    fn answers_that_end_too_early_write_nothing() {
        let ended = ask(&given(&Question::ALL), &mut &b"soc\n"[..], &mut Vec::new());
        assert!(ended.expect_err("it ended").to_string().contains("vigie init --yes"));
    }
}
