//! Ids in the path.

use http::request::Parts;

use super::{ExtractError, IdShape, ResourceExtractor, ResourceId};
use crate::core::{
    CanonicalPath, ConfigError, ConfigErrors, Mistakes, NoParams, RouteParams, Template,
    original_uri,
};
use crate::ownership::OwnershipConfigError;

/// A parameter of axum's router, by its name: for [`OwnershipGuard::for_route`](crate::ownership::OwnershipGuard::for_route).
///
/// The value is the one that handlers get: decoded once, of the whole template where routers are nested. A name that two nested routers
/// have both is [`ExtractError::Ambiguous`], since extractors disagree on which of the two values it has.
///
/// Where no router has matched (on other servers, or with the layer around the whole router) it is [`ExtractError::Missing`]; use a
/// [`PathPattern`] there.
#[derive(Clone, Debug)]
pub struct PathParam(Box<str>);

impl PathParam {
    /// Takes the parameter of this name.
    #[must_use]
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().into())
    }
}

impl ResourceExtractor for PathParam {
    fn extract(&self, head: &mut Parts) -> Result<ResourceId, ExtractError> {
        let params = RouteParams::of(head)?;
        let path = original_uri(&head.uri, &head.extensions).path();
        IdShape::Any.read(router_value(&params, &self.0, path)?)
    }

    fn validate(&self) -> Result<(), ConfigErrors> {
        if self.0.is_empty() {
            let name = String::new();
            let kind = OwnershipConfigError::Name { name };
            return Err(ConfigError::new("path_param", kind).into());
        }
        Ok(())
    }

    fn path_param(&self) -> Option<&str> {
        Some(&self.0)
    }
}

/// A segment of the path, by a pattern, on any server.
///
/// The pattern is axum's, `/orders/{id}`, and stands for the whole path that the service behind is called with. A path that is not
/// [canonical](CanonicalPath) is [`ExtractError::Malformed`], one of another form [`ExtractError::Missing`].
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::ownership::{PathPattern, ResourceExtractor};
///
/// let order = PathPattern::new("/users/{user}/orders/{order}", "order");
/// let (mut head, ()) = Request::get("/users/7/orders/%31").body(())?.into_parts();
/// assert_eq!(&*order.extract(&mut head)?, "1");
///
/// let (mut head, ()) = Request::get("/users/7/orders/1%2f2").body(())?.into_parts();
/// assert!(order.extract(&mut head).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PathPattern {
    pattern: Box<str>,
    param: Box<str>,
    template: Option<Template>,
}

impl PathPattern {
    /// Takes the parameter `param` of `pattern`. What is wrong with either is told when the layer is built; until then nothing matches.
    #[must_use]
    pub fn new(pattern: impl AsRef<str>, param: impl AsRef<str>) -> Self {
        let (pattern, param) = (pattern.as_ref(), param.as_ref());
        let template = Template::parse(pattern).ok();
        Self {
            pattern: pattern.into(),
            param: param.into(),
            template: template.filter(|it| it.params().any(|name| name == param)),
        }
    }
}

impl ResourceExtractor for PathPattern {
    fn extract(&self, head: &mut Parts) -> Result<ResourceId, ExtractError> {
        let path = CanonicalPath::parse(head.uri.path()).ok_or(ExtractError::Malformed)?;
        let params = self
            .template
            .as_ref()
            .and_then(|template| template.match_canonical(&path))
            .ok_or(ExtractError::Missing)?;
        let value = params.get(&self.param).ok_or(ExtractError::Missing)?;
        IdShape::Any.read(value)
    }

    fn validate(&self) -> Result<(), ConfigErrors> {
        let mut mistakes = Mistakes::default();
        match Template::parse(&self.pattern) {
            Err(error) => mistakes.push("path_pattern", OwnershipConfigError::Pattern(error)),
            Ok(template) if template.params().all(|name| name != &*self.param) => {
                mistakes.push(
                    "path_pattern",
                    OwnershipConfigError::UnknownParam {
                        pattern: self.pattern.to_string(),
                        param: self.param.to_string(),
                    },
                );
            }
            Ok(_) => {}
        }
        mistakes.finish(())
    }
}

impl From<NoParams> for ExtractError {
    fn from(fault: NoParams) -> Self {
        match fault {
            NoParams::NotRouted => Self::Missing,
            NoParams::Undecodable => Self::Malformed,
        }
    }
}

/// The parameter `name` of those that axum's router has found in `path`, the whole path of the request.
pub(crate) fn router_value<'p>(
    params: &'p RouteParams,
    name: &str,
    path: &str,
) -> Result<&'p str, ExtractError> {
    // axum decodes what it matches: `..%2f2` is one segment to it, and `..` a part of the rest.
    CanonicalPath::parse(path).ok_or(ExtractError::Malformed)?;
    let mut found = params.iter().filter(|(other, _)| *other == name);
    let (_, value) = found.next().ok_or(ExtractError::Missing)?;
    if found.next().is_some() {
        return Err(ExtractError::Ambiguous);
    }
    Ok(value)
}
