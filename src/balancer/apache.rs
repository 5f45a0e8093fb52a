//! Apache httpd's `mod_proxy_balancer`, through its balancer-manager page.

use crate::model::Secret;
use std::path::PathBuf;

/// `kind = "apache"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The balancer-manager page, as `https://lb1/balancer-manager`.
    pub url: String,
    /// The balancer's name, as `shop` of `balancer://shop`.
    pub balancer: String,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// A PEM file with the certificate authority to trust instead of the system's.
    pub ca: Option<PathBuf>,
}
