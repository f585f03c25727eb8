//! The events of GitHub's webhooks as Markdown.

use serde_json::Value;

use crate::mrkdwn::{link, plain_to_markdown};
use crate::{cut, with_line_feeds};

/// How many commits of a push are listed.
const MAX_COMMITS: usize = 10;

/// How much of a text of somebody is shown, in characters.
const MAX_EXCERPT_CHARS: usize = 400;

/// An event as Markdown; `None` for one that is not shown, like a change of a label.
#[must_use]
pub fn to_message(event: &str, payload: &Value) -> Option<String> {
    let shown = match event {
        "ping" => Some(format!("{} is connected.", repository(payload))),
        "push" => push(payload),
        "pull_request" => pull_request(payload),
        "issues" => issue(payload),
        "issue_comment" => comment(payload),
        "release" => release(payload),
        "workflow_run" => workflow_run(payload),
        _ => None,
    };
    shown.map(cut)
}

fn push(payload: &Value) -> Option<String> {
    let branch = text(payload, "ref");
    let branch = branch.rsplit_once("refs/heads/").map_or(branch.as_str(), |(_, name)| name);
    let commits = payload["commits"].as_array().map(Vec::as_slice).unwrap_or_default();
    let who = sender(payload);
    let code = code(branch);
    if payload["deleted"] == Value::Bool(true) {
        return Some(format!("{who} deleted {code} in {}", repository(payload)));
    }
    if commits.is_empty() {
        return None;
    }
    let count = if commits.len() == 1 { "1 commit".to_owned() } else { format!("{} commits", commits.len()) };
    let compared = link(&count, &text(payload, "compare"));
    let mut lines = vec![format!("{who} pushed {compared} to {code} in {}", repository(payload)), String::new()];
    for commit in commits.iter().take(MAX_COMMITS) {
        let id: String = text(commit, "id").chars().take(7).collect();
        let title = text(commit, "message");
        let title = plain_to_markdown(title.lines().next().unwrap_or_default());
        lines.push(format!("> {} {title}", link(&id, &text(commit, "url"))));
    }
    if commits.len() > MAX_COMMITS {
        lines.push(format!("> and {} more", commits.len() - MAX_COMMITS));
    }
    Some(lines.join("\n"))
}

fn pull_request(payload: &Value) -> Option<String> {
    let request = &payload["pull_request"];
    let is_merged = request["merged"] == Value::Bool(true);
    let (sign, verb) = match text(payload, "action").as_str() {
        "opened" => ("🟢", "opened"),
        "reopened" => ("🟢", "reopened"),
        "ready_for_review" => ("🟢", "asks to review"),
        "closed" if is_merged => ("🟣", "merged"),
        "closed" => ("🔴", "closed"),
        _ => return None,
    };
    let is_new = verb == "opened";
    Some(subject(payload, request, &format!("{sign} {} {verb} pull request", sender(payload)), is_new))
}

fn issue(payload: &Value) -> Option<String> {
    let (sign, verb) = match text(payload, "action").as_str() {
        "opened" => ("🟢", "opened"),
        "reopened" => ("🟢", "reopened"),
        "closed" => ("🟣", "closed"),
        _ => return None,
    };
    let is_new = verb == "opened";
    Some(subject(payload, &payload["issue"], &format!("{sign} {} {verb} issue", sender(payload)), is_new))
}

/// A line about an issue or a pull request, and the beginning of its text.
fn subject(payload: &Value, subject: &Value, line: &str, has_text: bool) -> String {
    let label = format!("#{} {}", number(subject), text(subject, "title"));
    let mut markdown = format!("{line} {} in {}", link(&label, &text(subject, "html_url")), repository(payload));
    let body = text(subject, "body");
    if has_text && !body.is_empty() {
        markdown.push_str("\n\n");
        markdown.push_str(&excerpt(&body));
    }
    markdown
}

fn comment(payload: &Value) -> Option<String> {
    if text(payload, "action") != "created" {
        return None;
    }
    let issue = &payload["issue"];
    let label = format!("#{} {}", number(issue), text(issue, "title"));
    let comment = &payload["comment"];
    let target = link(&label, &text(comment, "html_url"));
    let line = format!("💬 {} commented on {target} in {}", sender(payload), repository(payload));
    Some(format!("{line}\n\n{}", excerpt(&text(comment, "body"))))
}

fn release(payload: &Value) -> Option<String> {
    if text(payload, "action") != "published" {
        return None;
    }
    let release = &payload["release"];
    let name = [text(release, "name"), text(release, "tag_name")].into_iter().find(|name| !name.is_empty())?;
    let target = link(&name, &text(release, "html_url"));
    let mut markdown = format!("📦 {} released {target} of {}", sender(payload), repository(payload));
    let body = text(release, "body");
    if !body.is_empty() {
        markdown.push_str("\n\n");
        markdown.push_str(&excerpt(&body));
    }
    Some(markdown)
}

fn workflow_run(payload: &Value) -> Option<String> {
    if text(payload, "action") != "completed" {
        return None;
    }
    let run = &payload["workflow_run"];
    let conclusion = text(run, "conclusion");
    let sign = match conclusion.as_str() {
        "success" => "🟢",
        "failure" | "timed_out" | "startup_failure" => "🔴",
        _ => "⚪",
    };
    let target = link(&text(run, "name"), &text(run, "html_url"));
    let branch = code(&text(run, "head_branch"));
    let words = plain_to_markdown(&conclusion.replace('_', " "));
    Some(format!("{sign} {target}: {words} on {branch} in {}", repository(payload)))
}

fn repository(payload: &Value) -> String {
    let repository = &payload["repository"];
    let name = text(repository, "full_name");
    let name = if name.is_empty() { "GitHub".to_owned() } else { name };
    link(&name, &text(repository, "html_url"))
}

fn sender(payload: &Value) -> String {
    let login = text(&payload["sender"], "login");
    let login = if login.is_empty() { text(&payload["pusher"], "name") } else { login };
    if login.is_empty() { "Somebody".to_owned() } else { format!("**{}**", plain_to_markdown(&login)) }
}

/// The beginning of somebody's text, which is Markdown, as a quote.
fn excerpt(body: &str) -> String {
    let mut shown: String = body.trim().chars().take(MAX_EXCERPT_CHARS).collect();
    if shown.len() < body.trim().len() {
        shown.push('…');
    }
    shown.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('\n', " "))
}

fn number(subject: &Value) -> String {
    subject["number"].as_u64().map(|number| number.to_string()).unwrap_or_default()
}

/// A field as one text, with line feeds; empty if it is none.
fn text(value: &Value, field: &str) -> String {
    match value.get(field) {
        Some(Value::String(text)) => with_line_feeds(text.trim()),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(more: Value) -> Value {
        let mut payload = json!({
            "repository": {"full_name": "ada/engine", "html_url": "https://github.com/ada/engine"},
            "sender": {"login": "ada_l"},
        });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payload
    }

    #[test]
    fn events_are_told_in_a_line_with_links() {
        let repository = "[ada/engine](https://github.com/ada/engine)";
        for (name, payload, expected) in [
            ("ping", json!({"zen": "x"}), format!("{repository} is connected.")),
            (
                "push",
                json!({"ref": "refs/heads/main", "compare": "https://github.com/c", "commits": [
                    {"id": "0123456789", "message": "Fix *it*\n\nLong", "url": "https://github.com/0"}]}),
                format!(
                    "**ada\\_l** pushed [1 commit](https://github.com/c) to `main` in {repository}\n\n> [0123456](https://github.com/0) Fix \\*it\\*"
                ),
            ),
            (
                "pull_request",
                json!({"action": "closed", "pull_request": {"number": 7, "title": "Add [x]", "merged": true, "html_url": "https://github.com/7"}}),
                format!("🟣 **ada\\_l** merged pull request [#7 Add \\[x\\]](https://github.com/7) in {repository}"),
            ),
            (
                "issues",
                json!({"action": "opened", "issue": {"number": 8, "title": "Broken", "body": "Why?\nHow?", "html_url": "https://github.com/8"}}),
                format!(
                    "🟢 **ada\\_l** opened issue [#8 Broken](https://github.com/8) in {repository}\n\n> Why?\n> How?"
                ),
            ),
            (
                "issue_comment",
                json!({"action": "created", "issue": {"number": 8, "title": "Broken"}, "comment": {"body": "So", "html_url": "https://github.com/9"}}),
                format!("💬 **ada\\_l** commented on [#8 Broken](https://github.com/9) in {repository}\n\n> So"),
            ),
            (
                "release",
                json!({"action": "published", "release": {"name": null, "tag_name": "v1", "html_url": "https://github.com/v1"}}),
                format!("📦 **ada\\_l** released [v1](https://github.com/v1) of {repository}"),
            ),
            (
                "workflow_run",
                json!({"action": "completed", "workflow_run": {"name": "CI", "conclusion": "failure", "head_branch": "main", "html_url": "https://github.com/r"}}),
                format!("🔴 [CI](https://github.com/r): failure on `main` in {repository}"),
            ),
        ] {
            assert_eq!(to_message(name, &event(payload)).as_deref(), Some(expected.as_str()), "{name}");
        }
    }

    #[test]
    fn other_events_and_payloads_say_nothing_or_little() {
        for (name, payload) in [
            ("star", json!({"action": "created"})),
            ("issues", json!({"action": "labeled"})),
            ("push", json!({"ref": "refs/heads/main", "commits": []})),
            ("workflow_run", json!({"action": "requested"})),
            ("release", json!({"action": "published"})),
        ] {
            assert_eq!(to_message(name, &event(payload)), None, "{name}");
        }
        for name in ["ping", "push", "pull_request", "issues", "issue_comment", "release", "workflow_run"] {
            for payload in [json!(null), json!([1]), json!({"commits": 1, "issue": [], "action": 5}), json!("x")] {
                let _ = to_message(name, &payload);
            }
        }
    }

    #[test]
    fn no_line_break_ends_a_quote() {
        let push = json!({"ref": "refs/heads/a\rb", "commits": [{"id": "0", "message": "fix\r\r@Deploy ship prod"}]});
        let issue = json!({"action": "opened", "issue": {"title": "a\rb", "body": "fix\r\r@Deploy ship\r\nprod"}});
        for (name, payload, expected) in
            [("push", push, "\n\n> 0 fix"), ("issues", issue, "\n\n> fix\n>\n> @Deploy ship\n> prod")]
        {
            let shown = to_message(name, &event(payload)).unwrap();
            assert!(shown.ends_with(expected) && !shown.contains('\r'), "{shown:?}");
            assert!(shown.split_once("\n\n").is_some_and(|(line, _)| !line.contains('\n')), "{shown:?}");
        }
    }
}
