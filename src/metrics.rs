//! Counts of what the program does, for operators. They are always counted, by a relaxed addition per commit or job; only
//! `campfire serve --metrics` shows them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::JobKind;

/// How values are distributed: one count for each upper bound, and one above all of them.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    counts: [AtomicU64; N],
    above_count: AtomicU64,
    sum: AtomicU64,
}

/// What a [`Histogram`] has counted: by bound, each with all smaller ones, then the number and the sum of all values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Pairs of an upper bound, itself included, and the number of values up to it.
    pub up_to: Vec<(u64, u64)>,
    /// The number of values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl<const N: usize> Histogram<N> {
    /// A histogram with these upper bounds, in growing order.
    #[must_use]
    pub fn new(bounds: &'static [u64; N]) -> Self {
        Self {
            bounds,
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            above_count: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a value.
    pub fn observe(&self, value: u64) {
        let index = self.bounds.partition_point(|bound| *bound < value);
        self.counts.get(index).unwrap_or(&self.above_count).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted. Values that are counted meanwhile may be in it partly.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        let mut count = 0;
        let up_to = self.bounds.iter().zip(&self.counts).map(|(bound, own)| {
            count += own.load(Ordering::Relaxed);
            (*bound, count)
        });
        let up_to = up_to.collect();
        let count = count + self.above_count.load(Ordering::Relaxed);
        Distribution { up_to, count, sum: self.sum.load(Ordering::Relaxed) }
    }
}

/// Upper bounds of durations, in microseconds: 100 µs to 10 s.
pub const DURATION_BOUNDS_US: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// A histogram of durations, in microseconds.
pub type Durations = Histogram<16>;

impl Default for Durations {
    fn default() -> Self {
        Self::new(&DURATION_BOUNDS_US)
    }
}

impl Durations {
    /// Counts a duration.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }
}

/// Upper bounds of the number of writes in a group.
const GROUP_BOUNDS: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// How an attempt to run a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobResult {
    /// It is done, until its next time if it recurs.
    Done,
    /// It failed, and is tried again.
    Failed,
    /// It is not tried again.
    Dead,
}

impl JobResult {
    /// Every result.
    pub const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Dead];
}

/// The counts of the database and of the jobs.
#[derive(Debug)]
pub struct Counts {
    /// How long the groups of writes took, from `BEGIN` to the end of `COMMIT`.
    pub commits: Durations,
    /// How many writes they had.
    pub groups: Histogram<7>,
    /// Messages that were posted.
    pub posts: AtomicU64,
    /// Changes that were announced to sockets.
    pub announcements: AtomicU64,
    jobs: [[AtomicU64; JobResult::ALL.len()]; JobKind::ALL.len()],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            commits: Durations::default(),
            groups: Histogram::new(&GROUP_BOUNDS),
            posts: AtomicU64::new(0),
            announcements: AtomicU64::new(0),
            jobs: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
        }
    }
}

impl Counts {
    /// Counts an attempt to run a job.
    pub fn note_job(&self, kind: JobKind, result: JobResult) {
        if let Some(count) = self.job_count_of(kind, result) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of attempts at jobs of a kind that ended in this way.
    #[must_use]
    pub fn job_count(&self, kind: JobKind, result: JobResult) -> u64 {
        self.job_count_of(kind, result).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn job_count_of(&self, kind: JobKind, result: JobResult) -> Option<&AtomicU64> {
        let kind = JobKind::ALL.iter().position(|other| *other == kind)?;
        self.jobs.get(kind)?.get(result as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_up_to_its_bound() {
        let histogram = Histogram::new(&GROUP_BOUNDS);
        for value in [1, 2, 3, 64, 65] {
            histogram.observe(value);
        }
        let distribution = histogram.distribution();
        assert_eq!(distribution.up_to, [(1, 1), (2, 2), (4, 3), (8, 3), (16, 3), (32, 3), (64, 4)]);
        assert_eq!((distribution.count, distribution.sum), (5, 135));
    }

    #[test]
    fn jobs_are_counted_by_kind_and_result() {
        let counts = Counts::default();
        counts.note_job(JobKind::Prune, JobResult::Dead);
        for kind in JobKind::ALL {
            for result in JobResult::ALL {
                let expected = u64::from(kind == JobKind::Prune && result == JobResult::Dead);
                assert_eq!(counts.job_count(kind, result), expected, "{kind:?} {result:?}");
            }
        }
    }
}
