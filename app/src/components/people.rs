//! Choosing people from a list, with a filter where the list is long.

use campfire::model::Person;
use leptos::prelude::*;

use super::sheet::Avatar;

/// Lists longer than this have a filter.
const UNFILTERED: usize = 20;

/// Somebody to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    pub person: Person,
    pub checked: bool,
    /// Chosen or not, that cannot be changed here.
    pub fixed: bool,
}

/// People with a box each. Those that come checked stand first.
#[component]
pub fn ChoosePeople(legend: &'static str, mut people: Vec<Choice>) -> impl IntoView {
    people.sort_by_key(|choice| !choice.checked);
    let filtered = people.len() > UNFILTERED;
    view! {
        {filtered.then(|| view! {
            // The list is all here already; without scripts the browser's own search does the same.
            <p class="field" hidden data-needs-script="">
                <label for="people-filter">"Filter by name"</label>
                <input id="people-filter" type="search" autocomplete="off" data-narrows="people"/>
                <span class="field__note" role="status" id="people-found"></span>
            </p>
        })}
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
