//! Submitted forms, and the method that a form may carry.

use app::components::form::FormState;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use campfire::error::FieldErrors;
use campfire::{AppError, AppResult};

use super::body::BodyTooSlow;
use super::errors::{PageError, retry_after};

/// The fields of a form in the order of submission. Invalid UTF-8 is replaced by U+FFFD.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// A form with these fields.
    #[must_use]
    pub const fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The value of a field, whose name may be wrapped like `room[name]`; empty if it is missing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| is_named(key, name)).map_or("", |(_, value)| value)
    }

    /// Whether the form has this field, even if it is empty.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| is_named(key, name))
    }

    /// Whether a checkbox is checked. Browsers do not submit unchecked ones, so a hidden field before it may carry `false`.
    #[must_use]
    pub fn is_checked(&self, name: &str) -> bool {
        self.get_all(name).last().is_some_and(|value| matches!(value, "true" | "1" | "on"))
    }

    /// The values of all fields of this name.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| is_named(key, name)).map(|(_, value)| value.as_str())
    }

    /// The method that the form carries in `_method`: browsers can only submit forms with GET and POST.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self.get("_method").to_ascii_lowercase().as_str() {
            "put" | "patch" => Verb::Put,
            "delete" => Verb::Delete,
            _ => Verb::Post,
        }
    }
}

/// The method that a form carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `POST`, the default.
    Post,
    /// `PUT`, or `PATCH`.
    Put,
    /// `DELETE`.
    Delete,
}

/// Whether a key is the field of this name. `name`, `name[]`, `room[name]`, `room[name][]` and `account[settings][name]`
/// all are the field `name`: existing clients wrap the names.
pub fn is_named(key: &str, name: &str) -> bool {
    let key = key.strip_suffix("[]").unwrap_or(key);
    key == name || key.strip_suffix(']').and_then(|key| key.rsplit_once('[')).is_some_and(|(_, inner)| inner == name)
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == 413 {
                return PageError::too_large();
            }
            if BodyTooSlow::caused(&rejection) {
                return PageError::too_slow();
            }
            PageError(AppError::invalid("form", "The form did not arrive whole. Go back and send it again."))
                .into_response()
        })?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }
}

/// Why a form was refused that is answered with the same form and the entered values: fields are wrong, or the same form
/// may succeed later.
#[derive(Clone, Debug)]
pub struct Refused(AppError);

impl Refused {
    /// The refusal that an error means.
    ///
    /// # Errors
    /// The error itself if sending the form again cannot help.
    pub fn of(error: AppError) -> AppResult<Self> {
        match error {
            AppError::Invalid(_) | AppError::TooManyTries(_) | AppError::Unavailable(_) => Ok(Self(error)),
            error => Err(error),
        }
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY)
    }

    /// The reasons at the fields of the form; one that concerns none of them is at `form`.
    #[must_use]
    pub fn errors(&self) -> FieldErrors {
        match &self.0 {
            AppError::Invalid(errors) => errors.clone(),
            error => {
                let mut errors = FieldErrors::default();
                errors.add("form", error.to_string());
                errors
            }
        }
    }

    /// The reasons as one text.
    #[must_use]
    pub fn reason(&self) -> String {
        self.0.to_string()
    }

    /// Completes the response: it says after which time the form may be sent again.
    #[must_use]
    pub fn answer(&self, mut response: Response) -> Response {
        retry_after(&mut response, &self.0);
        response
    }
}

/// The state of a form that has not been submitted: values without errors.
#[must_use]
pub fn fresh(values: Vec<(&'static str, String)>) -> FormState {
    FormState { values, ..FormState::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_plain_and_wrapped() {
        let form = Form(vec![
            ("room[name]".into(), "Designers".into()),
            ("user_ids[]".into(), "1".into()),
            ("user_ids".into(), "2".into()),
            ("_method".into(), "DELETE".into()),
            ("account[settings][restricted]".into(), "false".into()),
            ("account[settings][restricted]".into(), "true".into()),
        ]);
        assert!(form.is_checked("restricted") && !form.is_checked("other"));
        assert!(form.has("restricted") && !form.has("other"));
        assert_eq!(form.get("name"), "Designers");
        assert_eq!(form.get_all("user_ids").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(form.get("body"), "");
        assert_eq!(form.verb(), Verb::Delete);
    }
}
