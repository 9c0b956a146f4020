use super::*;

const REFUSED: [&str; 68] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::10.0.0.1",
    "::ffff:0.0.0.0",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:100.64.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::192.168.1.1",
    "64:ff9b:1::127.0.0.1",
    "64:ff9b:1:7f00:0:100::",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:abcd::169.254.169.254",
    "64:ff9b:1::",
    "64:ff9b:2::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "2002:c0a8:101::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2600:1::5efe:127.0.0.1",
];

const PERMITTED: [&str; 19] = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.1",
    "93.184.216.34",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "128.0.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "198.17.255.255",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4009::200e",
    "::ffff:93.184.216.34",
    "64:ff9b::93.184.216.34",
    "64:ff9b:1::93.184.216.34",
    "2002:5db8:d822::1",
];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn addresses_that_are_not_public_are_refused() {
    for text in REFUSED {
        assert!(!Allowed::default().permitted(ip(text)), "{text}");
    }
}

#[test]
fn public_addresses_are_permitted() {
    for text in PERMITTED {
        assert!(Allowed::default().permitted(ip(text)), "{text}");
    }
}

#[test]
fn an_allowed_network_holds_in_every_spelling_and_no_further() {
    let allowed: Allowed = "127.0.0.0/8, ::1 fd00::/8".parse().unwrap();
    for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "fd12::1"] {
        assert!(allowed.permitted(ip(text)), "{text}");
    }
    for text in ["128.0.0.0", "10.0.0.1", "::2", "fc00::1", "::ffff:10.0.0.1"] {
        assert_eq!(allowed.permitted(ip(text)), text == "128.0.0.0", "{text}");
    }
    let mapped: Allowed = "::ffff:10.0.0.0/104".parse().unwrap();
    assert!(mapped.permitted(ip("10.200.0.1")));
    assert!(!mapped.permitted(ip("11.0.0.1")) || is_public(ip("11.0.0.1")));
    let all: Allowed = "0.0.0.0/0".parse().unwrap();
    assert!(all.permitted(ip("169.254.169.254")) && !all.permitted(ip("::1")));
}

#[test]
fn networks_that_are_none_are_named() {
    for text in ["localhost", "10.0.0.0/33", "::/129", "10.0.0", "10.0.0.0/-1", "10.0.0.0/", "/8", "10.0.0.0/8/8"] {
        let error = text.parse::<Allowed>().unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    assert_eq!("".parse(), Ok(Allowed::default()));
    let one: Network = "10.1.2.3".parse().unwrap();
    assert_eq!(one.to_string(), "10.1.2.3/32");
}

#[test]
fn spellings_of_private_hosts_are_refused_at_registration() {
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "0",
        "0x0",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "%31%32%37.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "192.168.1.1:8080",
        "100.100.100.200",
    ] {
        for scheme in ["http", "https", "sftp"] {
            let origin = format!("{scheme}://{host}/a.jpg");
            let answer = check_origin(&origin, &Allowed::default());
            assert!(answer.is_err(), "{origin}: {answer:?}");
            if scheme == "http" && !host.contains(':') {
                let answer = check_origin(&format!("http://public.example@{host}/"), &"0.0.0.0/0".parse().unwrap());
                assert!(answer.is_err(), "{origin}: {answer:?}");
            }
        }
    }
    for origin in ["http://[fe80::1%25eth0]/", "http://[::1", "http://1.2.3.4.5/"] {
        assert!(check_origin(origin, &Allowed::default()).is_err(), "{origin}");
    }
}

#[test]
fn origins_are_checked_at_registration() {
    let allowed = "127.0.0.0/8".parse().unwrap();
    for origin in [
        "https://example.org/a.jpg?x=1",
        "http://example.org:8080/%C3%A4",
        "http://93.184.216.34/",
        "http://127.0.0.1:9000/a.jpg",
        "http://localhost:9000/a.jpg",
        "s3://bucket/key",
        "s3://eu-west-1/bucket/key",
        "sftp://user@example.org:22/path",
        "https://bücher.example/a.png",
    ] {
        let answer = check_origin(origin, &allowed);
        assert!(answer.is_ok(), "{origin}: {answer:?}");
    }
    for (origin, part) in [
        ("", "absolute"),
        ("a.jpg", "absolute"),
        ("//example.org/a.jpg", "absolute"),
        ("ftp://example.org/a.jpg", "ftp"),
        ("ftps://example.org/a.jpg", "ftps"),
        ("file:///etc/passwd", "scheme"),
        ("data:image/png;base64,AAAA", "scheme"),
        ("gopher://example.org/", "scheme"),
        ("https://", "URI"),
        ("s3:///key", "host"),
        ("sftp:/path", "host"),
        ("https://exa mple.org/", "white space"),
        ("https://example.org/a\n", "white space"),
        ("https://user:secret@example.org/", "credentials"),
        ("https://user@example.org/", "credentials"),
        ("http://10.0.0.1/", "--origin-allow"),
    ] {
        let sentence = check_origin(origin, &allowed).unwrap_err();
        assert!(sentence.contains(part), "{origin}: {sentence}");
        assert!(!sentence.contains("secret"), "{sentence}");
    }
    let long = format!("https://example.org/{}", "a".repeat(980));
    assert!(check_origin(&long, &allowed).is_ok());
    assert!(check_origin(&format!("{long}a"), &allowed).is_err());
}
