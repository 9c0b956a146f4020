//! Whether connections to PostgreSQL are encrypted, as the parameters `sslmode` and `sslrootcert` of its URL say.

use deadpool_postgres::PoolError;
use percent_encoding::percent_decode_str;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::BuilderVerifierExt;
use std::{path::Path, sync::Arc};
use thiserror::Error;
use tokio_postgres::{Config, config::SslMode};

/// Why a URL can't be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A mode in which the server decides, or the certificate isn't checked in full.
    #[error("`sslmode={0}` is none of disable, require and verify-full; the latter both check the certificate")]
    Mode(String),
    /// A certificate for connections that are not encrypted.
    #[error("`sslrootcert` wants `sslmode=verify-full`")]
    Unused,
    /// The file of certificates can't be used.
    #[error("`sslrootcert={0}` must be a file of certificates in PEM: {1}")]
    Roots(String, String),
    /// TLS can't be set up.
    #[error("TLS can't be set up ({0}): name the certificates to trust with `sslrootcert=FILE`")]
    Setup(#[from] rustls::Error),
    /// The certificate of the server is not trusted.
    #[error("{0}: name the certificates to trust with `sslrootcert=FILE`, and the host as its certificate does")]
    Untrusted(String),
    /// Something else than a URL.
    #[error("the address of a database is `postgres://USER:PASSWORD@HOST/NAME`")]
    Form,
}

/// Reads a URL: where PostgreSQL is, and how to encrypt what is said, if it is. What other clients call `require`
/// checks the certificate as `verify-full` does, since whoever is not checked may be anybody.
///
/// # Errors
/// When something can't be read; the first thing that can't.
pub(super) fn read(url: &str) -> Result<(Config, Option<ClientConfig>), super::Error> {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://")).ok_or(TlsError::Form)?;
    // Whatever stands before the first `@` is a name and a password, as the client reads it.
    let start = url.len() - rest.len() + rest.find('@').unwrap_or_default();
    let (mut address, mut mode, mut roots) = (url.to_owned(), None, None);
    if let Some(query) = url[start..].find('?').map(|at| start + at + 1) {
        let mut others = Vec::new();
        for pair in url[query..].split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match decoded(name).as_str() {
                "sslmode" => mode = Some(decoded(value)),
                "sslrootcert" => roots = Some(decoded(value)),
                _ => others.push(pair),
            }
        }
        address.truncate(if others.is_empty() { query - 1 } else { query });
        address.push_str(&others.join("&"));
    }
    let mut config: Config = address.parse()?;
    let is_encrypted = match mode.as_deref() {
        None | Some("disable") => false,
        Some("require" | "verify-full") => true,
        Some(other) => return Err(TlsError::Mode(other.to_owned()).into()),
    };
    if !is_encrypted {
        config.ssl_mode(SslMode::Disable);
        return if roots.is_some() { Err(TlsError::Unused.into()) } else { Ok((config, None)) };
    }
    config.ssl_mode(SslMode::Require);
    Ok((config, Some(trusting(roots.as_deref())?)))
}

/// Why there is no connection, with what to change where it is a certificate that is not trusted.
pub(super) fn explained(error: PoolError) -> super::Error {
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    match causes.map(ToString::to_string).find(|cause| cause.contains("invalid peer certificate")) {
        Some(cause) => TlsError::Untrusted(cause).into(),
        None => error.into(),
    }
}

fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

/// Trusts whom the certificates of a file say, or the machine; `system` is another word for the latter.
fn trusting(roots: Option<&str>) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?;
    let mut config = match roots {
        None | Some("system") => builder.with_platform_verifier()?.with_no_client_auth(),
        Some(file) => builder.with_root_certificates(stored(file)?).with_no_client_auth(),
    };
    // PostgreSQL 17 wants it where TLS begins without being asked for (`sslnegotiation=direct`).
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(config)
}

fn stored(file: &str) -> Result<RootCertStore, TlsError> {
    let refused = |why: &dyn ToString| TlsError::Roots(file.to_owned(), why.to_string());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(Path::new(file)).map_err(|e| refused(&e))? {
        store.add(certificate.map_err(|e| refused(&e))?).map_err(|e| refused(&e))?;
    }
    if store.is_empty() { Err(refused(&"it has none")) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        read(url).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_url_says_whether_connections_are_encrypted() {
        for (query, is_encrypted) in [
            ("", false),
            ("?sslmode=disable", false),
            ("?application_name=a&sslmode=require", true),
            ("?sslmode=verify-full&connect_timeout=3", true),
            ("?sslmode=verify%2Dfull&sslrootcert=system", true),
            ("?sslm%6fde=require", true),
        ] {
            let (config, tls) = read(&format!("postgres://user@host:1/name{query}")).unwrap();
            assert_eq!(tls.is_some(), is_encrypted, "{query}");
            let mode = if is_encrypted { SslMode::Require } else { SslMode::Disable };
            assert_eq!((config.get_ssl_mode(), config.get_dbname()), (mode, Some("name")), "{query}");
            assert_eq!(config.get_application_name(), query.contains("application").then_some("a"));
            assert_eq!(config.get_connect_timeout().is_some(), query.contains("timeout"));
        }
    }

    #[test]
    fn a_password_is_left_as_it_is() {
        for (url, password, is_encrypted) in [
            ("postgresql://u:a?b&&c@host/name", "a?b&&c", false),
            ("postgres://u:a?sslmode=require&@host/name", "a?sslmode=require&", false),
            ("postgres://u:a?b@host/name?sslmode=require", "a?b", true),
            ("postgres://u@host/name?password=a?&sslmode=require", "a?", true),
            ("postgres://host/name?sslmode=require&password=a%26?", "a&?", true),
        ] {
            let (config, tls) = read(url).unwrap();
            assert_eq!((config.get_password(), tls.is_some()), (Some(password.as_bytes()), is_encrypted), "{url}");
        }
    }

    #[test]
    fn what_is_not_encrypted_for_sure_is_refused() {
        for mode in ["prefer", "allow", "verify-ca", "", "Require"] {
            let told = refused(&format!("postgres://host/name?sslmode={mode}"));
            assert!(told.contains(&format!("sslmode={mode}`")) && told.contains("verify-full"), "{told}");
        }
        for url in
            ["host=host sslmode=prefer", "host=host sslmode=require application_name=?sslmode=disable", "host=host"]
        {
            assert!(refused(url).contains("postgres://"), "{url}");
        }
        for url in ["postgres://host/name?sslm%6fde=prefer", "postgres://u:p?w@host/name?sslmode=prefer"] {
            assert!(refused(url).contains("sslmode=prefer"), "{url}");
        }
        assert!(refused("postgres://host/name?sslrootcert=a.pem").contains("sslmode"));
        assert!(refused("postgres://host/name?sslmode=require&sslrootcert=/none.pem").contains("/none.pem"));
        assert!(read("postgres://host/name?sslmode=require&nonsense=1").is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        let url = format!("postgres://host/name?sslmode=require&sslrootcert={}", file.path().display());
        assert!(refused(&url).contains("it has none"));
        std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(refused(&url).contains("in PEM"));
    }
}
