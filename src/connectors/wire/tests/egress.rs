//! Some 500 addresses, each tried against a listener that would hear of it: none that is refused is ever called.

use super::*;
use std::fmt::Write as _;
use std::net::Ipv6Addr;

/// Addresses at which no tool is, or none that the config has not named.
const BAD_V4: [&str; 26] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.254",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.254",
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
];

const BAD_V6: [&str; 16] = [
    "::",
    "::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
];

/// How the same address may be written.
fn v4_spellings(ip: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = ip.octets();
    let (whole, tail) = (ip.to_bits(), ip.to_bits() & 0xffff);
    let wide: String =
        ip.to_string().chars().map(|c| c.to_digit(10).map_or(c, wide_digit)).collect();
    vec![
        ip.to_string(),
        format!("{whole}"),
        format!("{whole:#x}"),
        format!("0{whole:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a}.{b}.{tail}"),
        format!("{a}.{}", whole & 0xff_ffff),
        format!("{ip}."),
        format!("%3{}{}", a.to_string().as_bytes()[0] - b'0', &ip.to_string()[1..]),
        wide,
        ip.to_string().replace('.', "\u{3002}"),
    ]
}

fn wide_digit(digit: u32) -> char {
    char::from_u32(0xff10 + digit).expect("a full-width digit")
}

/// How it may be hidden in an IPv6 address.
fn embedded(ip: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b] = [(ip.to_bits() >> 16) as u16, (ip.to_bits() & 0xffff) as u16];
    vec![
        ip.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, a, b),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, a, b),
        Ipv6Addr::new(0x2002, a, b, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !a, !b),
    ]
}

/// Whoever writes the connection's address may write this one too: it is looked at all the same.
fn naming(host: &str, port: u16) -> Terms {
    let [api, okta] = ["api.example.com", "*.okta.example"].map(|host| format!("{host}:{port}"));
    let mut hosts = patterns(&[&api, &okta, "usual.example.com"]);
    hosts.extend(HostPattern::parse(&format!("{host}:{port}")));
    Terms { hosts, internal: patterns(&["inside.example.com"]), ..terms() }
}

/// A listener that hears whatever reaches this machine at its port, in either protocol.
async fn everywhere() -> Place {
    Place::with("[::]:0", None, |_| answer(200, "", "")).await
}

async fn refused(wire: &Transport, terms: Terms, url: &str) -> String {
    let connection = Connection::new(terms);
    match wire.send(&connection, &get(url), soon()).await {
        Err(NotAnswered::Egress { why }) => why,
        other => panic!("{url} was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn no_spelling_of_an_address_inside_leads_there() {
    let (place, wire, mut tried) = (everywhere().await, plain(), 0);
    let mut hosts: Vec<String> = Vec::new();
    for ip in BAD_V4.map(|ip| ip.parse().expect(ip)) {
        hosts.extend(v4_spellings(ip));
        hosts.extend(embedded(ip).iter().map(|ip| format!("[{ip}]")));
    }
    for ip in BAD_V6.map(|ip| ip.parse::<Ipv6Addr>().expect(ip)) {
        let long: Vec<_> = ip.segments().iter().map(|part| format!("{part:04x}")).collect();
        hosts.extend([
            format!("[{ip}]"),
            format!("[{}]", long.join(":")),
            format!("[{ip}%25eth0]"),
            format!("[{ip}%eth0]"),
        ]);
    }
    for host in hosts {
        for scheme in ["https", "http"] {
            let url = format!("{scheme}://{host}:{}/", place.port);
            refused(&wire, naming(&host, place.port), &url).await;
            tried += 1;
        }
    }
    assert!(tried > 400, "{tried}");
    assert_eq!(place.connections(), 0);
}

#[tokio::test]
async fn no_name_that_stands_for_an_address_inside_leads_there() {
    let place = everywhere().await;
    let mut bad: Vec<IpAddr> = Vec::new();
    for ip in BAD_V4.map(|ip| ip.parse::<Ipv4Addr>().expect(ip)) {
        bad.push(ip.into());
        bad.extend(embedded(ip).into_iter().map(IpAddr::from));
    }
    bad.extend(BAD_V6.map(|ip| ip.parse::<IpAddr>().expect(ip)));
    let good: IpAddr = "8.8.8.8".parse().expect("an IP");
    for ip in bad {
        for answer in [vec![ip], vec![good, ip], vec![ip, good]] {
            let known = BTreeMap::from([("api.example.com", vec![answer])]);
            let wire = transport(Arc::new(Names { known, asked: AtomicUsize::new(0) }));
            let url = format!("https://api.example.com:{}/", place.port);
            let why = refused(&wire, naming("", place.port), &url).await;
            assert!(why.contains(&format!("api.example.com is at {ip}")), "{why}");
        }
    }
    assert_eq!(place.connections(), 0);
}

/// `{}` is the listener's port.
const ELSEWHERE: &[(&str, &str)] = &[
    // A host that the tool does not have.
    ("https://example.com:{}/", "none of this tool's hosts"),
    ("https://localhost:{}/", "none of this tool's hosts"),
    ("https://evil-api.example.com:{}/", "none of this tool's hosts"),
    ("https://api.example.com.evil.com:{}/", "none of this tool's hosts"),
    ("https://evilapi.example.com:{}/", "none of this tool's hosts"),
    ("https://okta.example:{}/", "none of this tool's hosts"),
    ("https://evilokta.example:{}/", "none of this tool's hosts"),
    ("https://.okta.example:{}/", "none of this tool's hosts"),
    ("https://127.0.0.1.nip.io:{}/", "none of this tool's hosts"),
    ("https://[::1].okta.example:{}/", "plain form"),
    // Another way there.
    ("http://api.example.com:{}/", "over https only"),
    ("http://a.okta.example:{}/", "over https only"),
    ("ftp://api.example.com:{}/", "plain form"),
    ("ws://api.example.com:{}/", "plain form"),
    ("file:///etc/passwd", "plain form"),
    ("gopher://127.0.0.1:{}/_x", "plain form"),
    ("data:text/plain,x", "plain form"),
    ("javascript:alert(1)", "plain form"),
    ("//api.example.com:{}/", "plain form"),
    ("/etc/passwd", "plain form"),
    ("", "plain form"),
    ("https://", "plain form"),
    ("https:api.example.com:{}/", "plain form"),
    ("https:/api.example.com:{}/", "plain form"),
    ("https:///api.example.com:{}/", "plain form"),
    ("https:\\\\api.example.com:{}/", "plain form"),
    // Another port.
    ("https://api.example.com/", "not asked at port 443"),
    ("https://api.example.com:1/", "not asked at port 1"),
    ("https://api.example.com:22/", "not asked at port 22"),
    ("https://usual.example.com:{}/", "not asked at port"),
    ("https://usual.example.com:80/", "not asked at port 80"),
    ("https://api.example.com:0/", "plain form"),
    ("https://api.example.com:65536/", "plain form"),
    ("https://api.example.com:-1/", "plain form"),
    ("https://api.example.com:/", "plain form"),
    ("https://api.example.com:{} /", "plain form"),
    // A name before the host.
    ("https://api.example.com@127.0.0.1:{}/", "name or password"),
    ("https://api.example.com:x@127.0.0.1:{}/", "name or password"),
    ("https://user:password@api.example.com:{}/", "name or password"),
    ("https://user@api.example.com:{}/", "name or password"),
    ("https://:x@api.example.com:{}/", "name or password"),
    ("https://@api.example.com:{}/", "plain form"),
    ("https://api.example.com:{}@127.0.0.1/", "name or password"),
    ("https://api.example.com%40127.0.0.1:{}/", "plain form"),
    ("https://127.0.0.1:{}#@api.example.com/", "none of this tool's hosts"),
    ("https://127.0.0.1:{}?@api.example.com/", "none of this tool's hosts"),
    ("https://127.0.0.1:{}\\@api.example.com/", "plain form"),
    ("https://api.example.com:{}\\@127.0.0.1/", "plain form"),
    // Disguises of a host that would be good.
    ("https://api.example.com.:{}/", "plain form"),
    ("https://api%2eexample.com:{}/", "plain form"),
    ("https://api.example\u{3002}com:{}/", "plain form"),
    ("https://\u{ff41}pi.example.com:{}/", "plain form"),
    ("https://api.ex\u{ad}ample.com:{}/", "plain form"),
    ("https://api.example.com\t:{}/", "plain form"),
    ("https://api.exa\nmple.com:{}/", "plain form"),
    (" https://api.example.com:{}/", "plain form"),
    ("https://api.example.com:{}/\r\nX: y", "plain form"),
    ("https://api.example.com:{}/a b", "plain form"),
    ("https://api.example.com\0:{}/", "plain form"),
    // A path that is not what it seems.
    ("https://api.example.com:{}/users/../admin", "`..` in it"),
    ("https://api.example.com:{}/users/%2e%2e/admin", "`..` in it"),
    ("https://api.example.com:{}/users/%2E./admin", "`..` in it"),
    ("https://api.example.com:{}/users/.%2e", "`..` in it"),
    ("https://api.example.com:{}/users/./x", "`..` in it"),
    ("https://api.example.com:{}/..", "`..` in it"),
    ("https://api.example.com:{}/users\\..\\admin", "plain form"),
];

#[tokio::test]
async fn a_request_goes_only_to_the_tools_own_hosts() {
    let place = everywhere().await;
    let here = ["api.example.com", "usual.example.com", "a.okta.example", "okta.example"]
        .map(|name| (name, "127.0.0.1"));
    let wire = transport(Arc::new(names(&here)));
    let mut wrong = String::new();
    for (url, words) in ELSEWHERE {
        let url = url.replace("{}", &place.port.to_string());
        let why = refused(&wire, naming("", place.port), &url).await;
        if !why.contains(words) {
            writeln!(wrong, "{url:?}: {why}").expect("written");
        }
    }
    assert_eq!(wrong, "");
    assert_eq!(place.connections(), 0);
}

#[tokio::test]
async fn what_the_config_names_as_inside_is_reached_and_nothing_beside_it() {
    let place = everywhere().await;
    let port = place.port;
    let known = [
        ("inside.example.com", "127.0.0.1"),
        ("six.example.com", "::1"),
        ("beside.example.com", "127.0.0.1"),
    ];
    let wire = transport(Arc::new(names(&known)));
    let named = [
        format!("inside.example.com:{port}"),
        format!("[::1]:{port}"),
        "six.example.com".into(),
        "127.0.0.1".into(),
    ];
    let named = named.map(|text| HostPattern::exact(&text).expect("a host")).to_vec();
    let terms =
        || Terms { hosts: patterns(&["beside.example.com"]), internal: named.clone(), ..terms() };
    for host in
        ["inside.example.com", "INSIDE.example.com", "[::1]", "six.example.com", "127.0.0.1"]
    {
        let url = format!("http://{host}:{port}/");
        let answer = wire.send(&Connection::new(terms()), &get(&url), soon()).await;
        assert_eq!(answer.expect(&url).status, 200);
    }
    assert_eq!(place.connections(), 5);
    for url in [
        format!("http://127.0.0.2:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://beside.example.com:{port}/"),
        "https://beside.example.com/".to_owned(),
        "http://inside.example.com/".to_owned(),
    ] {
        refused(&wire, terms(), &url).await;
    }
    assert_eq!(place.connections(), 5);
}

/// Being named as inside opens no way to where no tool ever is.
#[tokio::test]
async fn the_metadata_service_is_nowhere() {
    let place = everywhere().await;
    for ip in [
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "::",
    ] {
        let wire = transport(Arc::new(names(&[("inside.example.com", ip)])));
        let url = format!("http://inside.example.com:{}/", place.port);
        let why = refused(&wire, naming("", place.port), &url).await;
        assert!(why.contains("no tool is there"), "{why}");
    }
    assert_eq!(place.connections(), 0);
}

#[tokio::test]
async fn a_resolver_that_rebinds_is_asked_once_a_request_and_its_answer_is_what_is_called() {
    let first = Place::with("127.0.0.1:0", None, |_| answer(200, "", "")).await;
    let second =
        Place::with(&format!("127.0.0.2:{}", first.port), None, |_| answer(200, "", "")).await;
    let resolver =
        Arc::new(names(&[("inside.example.com", "127.0.0.1 then 127.0.0.2 then 169.254.169.254")]));
    let wire = transport(resolver.clone());
    let terms = || naming("", first.port);
    let url = format!("http://inside.example.com:{}/", first.port);
    wire.send(&Connection::new(terms()), &get(&url), soon()).await.expect("an answer");
    assert_eq!((first.connections(), second.connections()), (1, 0));
    assert_eq!(
        resolver.asked.load(Ordering::SeqCst),
        1,
        "who looks and who calls heard one answer"
    );
    wire.send(&Connection::new(terms()), &get(&url), soon()).await.expect("an answer");
    assert_eq!((first.connections(), second.connections()), (1, 1));
    refused(&wire, terms(), &url).await;
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 3);
}

#[test]
fn a_pattern_is_a_host_or_what_stands_below_two_names() {
    for good in [
        "api.github.com",
        "*.okta.com",
        "wazuh.example.com:55000",
        "10.1.2.3",
        "[::1]:8443",
        "*.a.b.c:9",
    ] {
        assert_eq!(HostPattern::parse(good).expect(good).to_string(), good);
    }
    for bad in [
        "",
        "*",
        "*.",
        "*.com",
        "**.okta.com",
        "a.*.com",
        "*okta.com",
        "https://okta.com",
        "okta.com/x",
        "u@okta.com",
        "okta.com.",
        "okta.com:0",
        "okta.com:65536",
        "okta.com:",
        "*.10.1.2.3",
        "0x7f.1",
        "2130706433",
        "::1",
    ] {
        assert!(HostPattern::parse(bad).is_err(), "{bad}");
    }
    assert!(HostPattern::exact("*.okta.com").is_err(), "inside is named host by host");
    assert!(HostPattern::exact("127.0.0.1").is_ok());
}
