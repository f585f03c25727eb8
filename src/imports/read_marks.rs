//! Converts the times up to which people have read into messages.

/// How far the members of a room have read. One pass over its messages, from the newest on, serves all of them.
#[derive(Default)]
pub(super) struct ReadMarks {
    /// Members, and when the message was posted that is the first unread one; `i64::MAX` if all are read.
    wanted: Vec<(i64, i64)>,
    /// Members, and the last message that they have read.
    pub found: Vec<(i64, i64)>,
}

impl ReadMarks {
    /// Adds a member.
    pub fn add(&mut self, user_id: i64, unread_at: Option<i64>) {
        self.wanted.push((user_id, unread_at.unwrap_or(i64::MAX)));
    }

    /// Those who have read most come last.
    pub fn sort(&mut self) {
        self.wanted.sort_by_key(|(_, unread_at)| *unread_at);
    }

    /// Whether everybody's message is found.
    pub fn is_complete(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Takes the next older message: it is the last one read by those whose first unread one was posted after it.
    pub fn pass(&mut self, id: i64, created_at: i64) {
        while let Some((user_id, _)) = self.wanted.pop_if(|(_, unread_at)| created_at < *unread_at) {
            self.found.push((user_id, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_over_the_messages_finds_how_far_everybody_has_read() {
        let mut marks = ReadMarks::default();
        for (user_id, unread_at) in
            [(1, None), (2, Some(30)), (3, Some(1)), (4, Some(25)), (5, Some(30)), (6, Some(99))]
        {
            marks.add(user_id, unread_at);
        }
        marks.sort();
        // The third message was posted before the second one.
        for (id, created_at) in [(4, 30), (3, 20), (2, 21), (1, 10)] {
            marks.pass(id, created_at);
        }
        marks.found.sort_unstable();
        assert_eq!(marks.found, [(1, 4), (2, 3), (4, 3), (5, 3), (6, 4)]);
        assert_eq!(marks.wanted, [(3, 1)], "who has read nothing stays at the start");
    }
}
