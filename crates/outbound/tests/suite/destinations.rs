//! Where requests go, and where they never go.

use std::net::{IpAddr, Ipv6Addr};

use outbound::{Client, Error, Policy, Request, Url};

use crate::server::{Names, PERMITTED, REFUSED, Server, Untouched, client, policy, response};

/// Sends a GET request and expects an error.
async fn failure(client: &Client, policy: &Policy, url: &str) -> Error {
    client.send(policy, Request::get(url.parse().unwrap())).await.unwrap_err()
}

#[tokio::test]
async fn nothing_connects_to_loopback_by_any_notation() {
    let listener = Untouched::listen(PERMITTED).await;
    let (client, policy, port) = (client(), Policy::public(), listener.port());
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "0",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "127.0.0.1.",
        "１２７.0.0.1",
    ] {
        let error = failure(&client, &policy, &format!("http://{host}:{port}/")).await;
        assert_eq!(error, Error::Refused, "{host}");
    }
    listener.assert_untouched().await;
}

#[tokio::test]
async fn nothing_connects_to_loopback_by_a_name() {
    let listener = Untouched::listen(PERMITTED).await;
    let names = Names::of([
        ("evil.example", vec![vec![PERMITTED]]),
        ("both.example", vec![vec![IpAddr::V6(Ipv6Addr::LOCALHOST), PERMITTED, REFUSED]]),
    ]);
    let client = client().resolving_by(names);
    for host in ["evil.example", "both.example"] {
        let url = format!("http://{host}:{}/", listener.port());
        assert_eq!(failure(&client, &Policy::public(), &url).await, Error::Refused);
        let url = format!("https://{host}:{}/", listener.port());
        assert_eq!(failure(&client, &Policy::push(), &url).await, Error::Refused);
        assert_eq!(client.check(&Policy::public(), &url.parse().unwrap()).await, Err(Error::Refused));
    }
    listener.assert_untouched().await;
}

#[tokio::test]
async fn nothing_connects_to_loopback_by_a_redirect() {
    let listener = Untouched::listen(REFUSED).await;
    let port = listener.port();
    let names = Names::of([("evil.example", vec![vec![REFUSED]])]);
    let client = client().resolving_by(names);
    for location in [format!("http://127.0.0.2:{port}/"), format!("http://evil.example:{port}/")] {
        for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
            let target = location.clone();
            let server = Server::answering(move |_| response(status, &[("location", &target)], b"")).await;
            assert_eq!(failure(&client, &policy(), server.url("/").as_str()).await, Error::Refused);
            assert_eq!(server.requests().len(), 1);
        }
    }
    listener.assert_untouched().await;
}

#[tokio::test]
async fn a_name_is_resolved_once_for_each_request() {
    // The name server answers with a permitted address first, and with a refused one ever after.
    let names = Names::of([("rebinding.example", vec![vec![PERMITTED], vec![REFUSED]])]);
    let client = client().resolving_by(names.clone());
    let server = Server::answering(|head| {
        if head.starts_with("GET /again ") {
            let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
            response("302 Found", &[("location", &format!("http://{host}/"))], b"")
        } else {
            response("200 OK", &[], b"reached")
        }
    })
    .await;
    let listener = Untouched::listen(REFUSED).await;
    let url = format!("http://rebinding.example:{}/", server.address.port());

    let reached = client.send(&policy(), Request::get(url.parse().unwrap())).await.unwrap();
    assert_eq!((&*reached.body, names.asked("rebinding.example")), (&b"reached"[..], 1));
    let url = format!("http://rebinding.example:{}/", listener.port());
    assert_eq!(failure(&client, &policy(), &url).await, Error::Refused, "the answer is not kept either");
    listener.assert_untouched().await;

    // The same within one redirect: each request resolves anew, and checks anew.
    let names = Names::of([("rebinding.example", vec![vec![PERMITTED], vec![REFUSED]])]);
    let client = crate::server::client().resolving_by(names.clone());
    let url = format!("http://rebinding.example:{}/again", server.address.port());
    assert_eq!(failure(&client, &policy(), &url).await, Error::Refused);
    assert_eq!(names.asked("rebinding.example"), 2);
}

#[tokio::test]
async fn of_several_addresses_the_refused_ones_are_dropped_and_ipv4_is_first() {
    let server = Server::answering(|_| response("200 OK", &[], b"reached")).await;
    let listener = Untouched::listen(REFUSED).await;
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let names = Names::of([("several.example", vec![vec![v6, REFUSED, PERMITTED]])]);
    let client = client().resolving_by(names);
    let policy = policy().permitting(["::1/128".parse().unwrap()]);
    let url = format!("http://several.example:{}/", server.address.port());
    let response = client.send(&policy, Request::get(url.parse().unwrap())).await.unwrap();
    assert_eq!(&*response.body, b"reached");
    listener.assert_untouched().await;
}

#[tokio::test]
async fn a_host_without_an_address_is_not_found() {
    let client = client().resolving_by(Names::of([("empty.example", vec![vec![]])]));
    for host in ["unknown.example", "empty.example"] {
        let error = failure(&client, &Policy::public(), &format!("http://{host}/")).await;
        assert_eq!(error, Error::Unresolved);
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn only_http_and_for_pushes_only_https() {
    let (client, server) = (client(), Server::answering(|_| response("200 OK", &[], b"")).await);
    for url in ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "data:text/html,x", "mailto:a@b.c"]
    {
        for policy in [Policy::public(), Policy::push(), Policy::chosen()] {
            assert_eq!(failure(&client, &policy, url).await, Error::Url, "{url}");
        }
    }
    let own = Policy::push().permitting(["127.0.0.1/32".parse().unwrap()]);
    let here = server.url("/");
    for (policy, url) in
        [(&Policy::push(), here.as_str()), (&own, "http://example.com/"), (&own, "http://93.184.216.34/")]
    {
        assert_eq!(failure(&client, policy, url).await, Error::Url, "{url}");
    }
    assert!(server.requests().is_empty());
    // Nothing leaves the networks of the installation.
    assert_eq!(client.send(&own, Request::get(here)).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_redirect_is_followed_where_the_policy_says_so() {
    let target = Server::answering(|_| response("200 OK", &[], b"here")).await;
    let location = target.url("/new?a=1#part");
    let server = Server::answering(move |_| response("302 Found", &[("location", location.as_str())], b"moved")).await;
    let url = server.url("/old");

    let mut request = Request::get(url.clone());
    request.headers.insert("authorization", "Bearer secret".parse().unwrap());
    let response = client().send(&policy(), request).await.unwrap();
    assert_eq!((response.status.as_u16(), &*response.body), (200, &b"here"[..]));
    assert_eq!(response.url, target.url("/new?a=1#part"));
    assert!(server.requests()[0].contains("Bearer secret"));
    assert!(!target.requests()[0].contains("Bearer secret"), "{:?}", target.requests());
    assert!(target.requests()[0].starts_with("GET /new?a=1 HTTP/1.1\r\n"));

    let response = client().send(&Policy::chosen(), Request::get(url)).await.unwrap();
    assert_eq!((response.status.as_u16(), &*response.body), (302, &b"moved"[..]), "an answer like any other");
    assert_eq!(target.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_no_absolute_url_fails() {
    for location in ["/relative", "relative", "//host/path", "", "ftp://example.com/", "http://", "javascript:alert(1)"]
    {
        let server = Server::answering(move |_| response("302 Found", &[("location", location)], b"")).await;
        assert_eq!(failure(&client(), &policy(), server.url("/").as_str()).await, Error::Redirect, "{location}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn endless_redirects_end_after_ten_requests() {
    let server = Server::answering(|head| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        response("302 Found", &[("location", &format!("http://{host}/"))], b"")
    })
    .await;
    assert_eq!(failure(&client(), &policy(), server.url("/").as_str()).await, Error::TooManyRedirects);
    assert_eq!(server.requests().len(), 10);
}

#[tokio::test]
async fn an_administrators_url_may_be_of_the_own_network() {
    let server = Server::answering(|_| response("200 OK", &[], b"reply")).await;
    let url: Url = format!("http://name:password@localhost:{}/hook?x=1#y", server.address.port()).parse().unwrap();
    let request = Request::post(url, "application/json", "{}".into());
    assert_eq!(format!("{request:?}"), "Request { method: POST, .. }", "secrets never reach a log");
    let response = client().send(&Policy::chosen(), request).await.unwrap();
    assert_eq!(&*response.body, b"reply");
    let head = &server.requests()[0];
    let port = server.address.port();
    for line in [
        "POST /hook?x=1 HTTP/1.1",
        &format!("host: localhost:{port}"),
        "user-agent: Test/1",
        "accept-encoding: identity",
        "connection: close",
        "content-type: application/json",
        "content-length: 2",
    ] {
        assert!(head.lines().any(|sent| sent == line), "{line} in {head}");
    }
    assert!(!head.contains("password"));
}
