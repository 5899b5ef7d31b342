//! The registry over HTTPS.

use waxseal_testkit::{Options, Registry, TlsIdentity};

async fn ask(identity: TlsIdentity, trusted: &TlsIdentity) -> Result<u16, reqwest::Error> {
    let registry = Registry::start(Options {
        tls: Some(identity),
        ..Options::default()
    });
    let authority = reqwest::Certificate::from_pem(trusted.ca_pem.as_bytes())?;
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([authority])
        .build()?;
    let answer = client.get(format!("{}/v2/", registry.url())).send().await?;
    Ok(answer.status().as_u16())
}

#[tokio::test]
async fn only_those_who_trust_it_get_an_answer() {
    let identity = TlsIdentity::loopback();
    assert_eq!(ask(identity.clone(), &identity).await.unwrap(), 200);
    let stranger = TlsIdentity::loopback();
    assert!(ask(identity, &stranger).await.unwrap_err().is_connect());
    let expired = TlsIdentity::expired();
    let refused = ask(expired.clone(), &expired).await;
    assert!(refused.unwrap_err().is_connect());
    let elsewhere = TlsIdentity::for_names(&["registry.example"]);
    let refused = ask(elsewhere.clone(), &elsewhere).await;
    assert!(refused.unwrap_err().is_connect());
}
