//! A list of people to choose from, with a filter if it is long.

use campfire::model::Person;
use leptos::prelude::*;

use super::sheet::Avatar;

/// Maximum length of a list without a filter.
const MAX_UNFILTERED: usize = 20;

/// A person to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The person.
    pub person: Person,
    /// Whether the person is chosen initially.
    pub checked: bool,
    /// Whether the choice cannot be changed.
    pub fixed: bool,
}

/// People with a checkbox each, chosen ones first.
#[component]
pub fn ChoosePeople(
    /// The legend of the list.
    legend: &'static str,
    /// The people, in the order of the list.
    mut people: Vec<Choice>,
) -> impl IntoView {
    people.sort_by_key(|choice| !choice.checked);
    let filtered = people.len() > MAX_UNFILTERED;
    view! {
        {filtered.then(|| view! {
            // The page contains the whole list: without scripts the browser's own search replaces the filter.
            <p class="field" hidden data-needs-script="">
                <label for="people-filter">"Filter by name"</label>
                <input id="people-filter" type="search" autocomplete="off" data-narrows="people"/>
                <span class="field__note" role="status" id="people-found"></span>
            </p>
        })}
        <p class="people__all" hidden data-needs-script="">
            <span class="field__note" role="status" id="people-chosen"></span>
            <button class="button--quiet" type="button" data-chooses="people" value="all">"Everybody"</button>
            <button class="button--quiet" type="button" data-chooses="people" value="none">"Nobody"</button>
        </p>
        <fieldset class="people" id="people">
            <legend>{legend}</legend>
            {people.into_iter().map(|choice| view! { <Row choice/> }).collect_view()}
        </fieldset>
    }
}

#[component]
fn Row(choice: Choice) -> impl IntoView {
    let Choice { person, checked, fixed } = choice;
    view! {
        <label class="person">
            <Avatar id=person.id name=person.name.clone()/>
            <bdi class="person__name">{person.name}</bdi>
            <input type="checkbox" name="user_ids" value=person.id.to_string() checked=checked disabled=fixed/>
        </label>
    }
}
