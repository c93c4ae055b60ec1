//! A connector with what the config says of it: a tool that can be called.

use super::client::Line;
use super::spec::{Auth, FieldKind, Login, OAuth2, Spec};
use super::wire::{self, ClientAuth, Connection, HostPattern, Outgoing, Spelling, Terms};
use crate::domain::ids::ToolName;
use crate::domain::playbook::text::Template;
use crate::domain::tool::input::InputError;
use crate::domain::tool::request::{Piece, Slots, Text, standing};
use crate::domain::tool::{Tool, Values};
use crate::yaml::units::Rate;
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// What the config says of one tool.
#[derive(Clone, Debug, Default)]
pub struct Given {
    pub plain: Values,
    pub secrets: BTreeMap<String, SecretString>,
    /// The hosts inside that it may reach.
    pub internal: Vec<HostPattern>,
    /// Goes before the connector's own.
    pub rate: Option<Rate>,
}

/// Connects a tool. The values were checked against the connector's fields.
pub fn connect(spec: &Spec, name: &ToolName, given: Given) -> Result<(Tool, Line), String> {
    let auth = Filling { spec, given: &given }.auth().map_err(|why| why.to_string())?;
    let tool = spec.tool(name.clone(), given.plain.clone());
    let rate = given.rate.or(spec.connection.rate);
    let terms = Terms {
        tool: name.clone(),
        hosts: hosts(spec, &given)?,
        internal: given.internal,
        auth,
        secrets: given.secrets,
        rate: rate.map(|rate| wire::Rate { requests: rate.count, per: rate.per }),
    };
    let named = Connection::new(terms);
    let test = spec.test.clone();
    Ok((tool, Line { test, anonymous: named.anonymous(), named }))
}

/// The hosts of the connection's own addresses, and no others that the connector could have.
fn hosts(spec: &Spec, given: &Given) -> Result<Vec<HostPattern>, String> {
    let fields = spec.connection.fields.iter();
    let urls = fields.filter(|(_, field)| matches!(field.kind, FieldKind::Url { .. }));
    let mut hosts = Vec::new();
    for url in urls.filter_map(|(name, _)| given.plain.get(name)?.as_str()) {
        let url = Url::parse(url).map_err(|why| why.to_string())?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", url.host_str().unwrap_or_default());
        hosts.push(HostPattern::exact(&host).map_err(|why| why.to_string())?);
    }
    Ok(hosts)
}

struct Filling<'a> {
    spec: &'a Spec,
    given: &'a Given,
}

type Filled<T> = Result<T, InputError>;

impl Filling<'_> {
    fn auth(&self) -> Filled<wire::Auth> {
        let auth = match &self.spec.connection.auth {
            Auth::None => None,
            Auth::Header { name, value } => {
                self.text(value)?.map(|value| wire::Auth::Header { name: name.clone(), value })
            }
            Auth::Bearer(token) => self.text(token)?.map(wire::Auth::Bearer),
            Auth::Basic { user, password } => self.basic(user, password)?,
            Auth::OAuth2(oauth2) => Some(self.oauth2(oauth2)?),
            Auth::Login(login) => Some(self.login(login)?),
        };
        Ok(auth.unwrap_or(wire::Auth::None))
    }

    fn basic(&self, user: &Template, password: &Template) -> Filled<Option<wire::Auth>> {
        let both = self.text(user)?.zip(self.text(password)?);
        Ok(both.map(|(user, password)| wire::Auth::Basic { user, password }))
    }

    fn oauth2(&self, oauth2: &OAuth2) -> Filled<wire::Auth> {
        let want = |template| Ok(self.text(template)?.unwrap_or_default());
        let plain = |template: &Option<Template>| -> Filled<Option<String>> {
            let Some(template) = template else { return Ok(None) };
            Ok(self.filled(template)?.map(|text| text.to_string()))
        };
        Ok(wire::Auth::OAuth2(Box::new(wire::OAuth2 {
            token_url: want(&oauth2.token_url)?,
            client_id: want(&oauth2.client_id)?,
            client_secret: want(&oauth2.client_secret)?,
            scope: plain(&oauth2.scope)?,
            audience: plain(&oauth2.audience)?,
            client_auth: if oauth2.basic { ClientAuth::Basic } else { ClientAuth::Body },
        })))
    }

    fn login(&self, login: &Login) -> Filled<wire::Auth> {
        let request = login.request.fill(&self.given.plain, &Values::new())?;
        let auth = match &login.basic {
            Some((user, password)) => self.basic(user, password)?.unwrap_or(wire::Auth::None),
            None => wire::Auth::None,
        };
        let request: Outgoing = super::outgoing::outgoing(&request);
        Ok(wire::Auth::Login(Box::new(wire::Login {
            request,
            auth,
            token: login.token.clone(),
            lasts: login.lasts,
            header: login.header.clone(),
            prefix: login.prefix.clone(),
        })))
    }

    /// `None` where nothing of it has a value, or where a secret of it is one that may be missing and is.
    fn text(&self, template: &Template) -> Filled<Option<wire::Text>> {
        Ok(self.filled(template)?.map(|text| spelt(&text)))
    }

    fn filled(&self, template: &Template) -> Filled<Option<Text>> {
        let fields = &self.spec.connection.fields;
        let secrets = fields.iter().filter(|(_, field)| field.kind == FieldKind::Secret);
        let secrets: BTreeSet<_> = secrets.map(|(name, _)| name.clone()).collect();
        let slots = Slots { secrets, later: BTreeSet::new() };
        let text = standing(template, &self.given.plain, &slots)?;
        let lacks = |piece: &Piece| match piece {
            Piece::Secret(name) => !fields[name].required && !self.given.secrets.contains_key(name),
            Piece::Plain(_) | Piece::Later(_) => false,
        };
        Ok(text.filter(|text| !text.0.iter().any(lacks)))
    }
}

fn spelt(text: &Text) -> wire::Text {
    let piece = |piece: &Piece| match piece {
        Piece::Plain(text) => wire::Piece::Plain(text.clone()),
        Piece::Secret(name) | Piece::Later(name) => {
            wire::Piece::Secret { name: name.clone(), spelling: Spelling::Plain }
        }
    };
    wire::Text(text.0.iter().map(piece).collect())
}
