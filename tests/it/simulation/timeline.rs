//! Two clocks: Slack's, which nobody sets, and the app's, as it tells the time. What is matched with the journal is told by
//! the app's, everything else by Slack's.

/// What the app's clock said when, in Slack's time; between two notes both go alike.
#[derive(Debug, Default)]
pub struct Timeline(Vec<(i64, i64)>);

impl Timeline {
    pub fn note(&mut self, slack: i64, app: i64) {
        self.0.push((slack, app));
    }

    /// What time it was for the app at a moment of Slack's.
    pub fn app(&self, at: i64) -> i64 {
        let next = self.0.partition_point(|(slack, _)| *slack <= at);
        let (slack, app) = self.0[next.saturating_sub(1)];
        app + at - slack
    }

    /// The span in the app's time, in pieces: what lies between two of them was leapt over.
    pub fn pieces(&self, (from, until): (i64, i64)) -> Vec<(i64, i64)> {
        let mut pieces = vec![(self.app(from), i64::MAX)];
        for two in self.0.windows(2).filter(|two| from < two[1].0 && two[1].0 <= until) {
            let [(slack, app), (set, to)] = [two[0], two[1]];
            pieces.last_mut().expect("there is one").1 = app + set - slack;
            pieces.push((to, i64::MAX));
        }
        if until < i64::MAX {
            pieces.last_mut().expect("there is one").1 = self.app(until);
        }
        pieces
    }
}
