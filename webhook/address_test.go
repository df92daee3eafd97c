package webhook

import (
	"net/netip"
	"strings"
	"testing"
)

// TestAddresses: what is not public is reached only where it is allowed, however it is written.
func TestAddresses(t *testing.T) {
	for address, allow := range map[string]string{ // the network that has to be allowed; "": none
		"8.8.8.8": "", "2606:4700::1111": "", "::ffff:8.8.8.8": "", "172.32.0.1": "", "100.128.0.1": "",
		"127.0.0.1": "127.0.0.0/8", "127.9.9.9": "127.0.0.0/8", "::1": "::1", "::ffff:127.0.0.1": "127.0.0.1", "::127.0.0.1": "::/96",
		"0.0.0.0": "0.0.0.0", "::": "::", "::ffff:0.0.0.0": "0.0.0.0/8",
		"169.254.169.254": "169.254.169.254", "::ffff:169.254.169.254": "169.254.0.0/16", "fe80::1": "fe80::/10", "fe80::1%eth0": "fe80::/10",
		"fd00:ec2::254": "fc00::/7", "100.100.100.200": "100.64.0.0/10", "192.0.0.192": "192.0.0.0/24",
		"10.1.2.3": "10.0.0.0/8", "172.16.0.1": "172.16.0.0/12", "192.168.1.1": "192.168.1.0/24", "64:ff9b::7f00:1": "64:ff9b::/96", "2002:7f00:1::": "2002::/16",
		"224.0.0.1": "224.0.0.0/4", "255.255.255.255": "240.0.0.0/4", "ff02::1": "ff00::/8",
	} {
		ip := netip.MustParseAddr(address)
		none, all := Webhook{}, Webhook{Allow: prefixes("8.8.8.8/32")}
		for name, w := range map[string]*Webhook{"nothing is allowed": &none, "another is allowed": &all} {
			if err := w.mayReach(ip); (err == nil) != (allow == "") {
				t.Errorf("%s, %s: %v", address, name, err)
			}
		}
		if allow == "" {
			continue
		}
		p, err := ParseNetwork(allow)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&Webhook{Allow: []netip.Prefix{p}}).mayReach(ip); err != nil {
			t.Errorf("%s with %s: %v", address, allow, err)
		}
	}
}

// TestCheck: settings that cannot be meant are refused before anything is sent, and no error quotes what may be secret.
func TestCheck(t *testing.T) {
	good := func() *Webhook {
		return &Webhook{Name: "ai-1", URL: "https://ai.example/hook?token=hidden", Secrets: [][]byte{make([]byte, minSecret)}}
	}
	if err := good().Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Webhook){
		"no name":               func(w *Webhook) { w.Name = "" },
		"a path for a name":     func(w *Webhook) { w.Name = "../x" },
		"no URL":                func(w *Webhook) { w.URL = "" },
		"a relative URL":        func(w *Webhook) { w.URL = "/hidden" },
		"another scheme":        func(w *Webhook) { w.URL = "file:///etc/hidden" },
		"no host":               func(w *Webhook) { w.URL = "http://:80/hidden" },
		"broken":                func(w *Webhook) { w.URL = "http://x/%zz?hidden" },
		"a user":                func(w *Webhook) { w.URL = "https://me:hidden@ai.example" },
		"a fragment":            func(w *Webhook) { w.URL = "https://ai.example#hidden" },
		"loopback":              func(w *Webhook) { w.URL = "http://127.0.0.1:8080" },
		"loopback of IPv6":      func(w *Webhook) { w.URL = "http://[::1]:8080" },
		"loopback, mapped":      func(w *Webhook) { w.URL = "http://[::ffff:7f00:1]:8080" },
		"no secret":             func(w *Webhook) { w.Secrets = nil },
		"a secret that is weak": func(w *Webhook) { w.Secrets = append(w.Secrets, []byte("hidden")) },
	} {
		w := good()
		spoil(w)
		if err := w.Check(); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := good().Shown(); got != "https://ai.example/hook" {
		t.Errorf("shown as %s", got)
	}
}

func TestParseSecrets(t *testing.T) {
	secrets, err := ParseSecrets("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n\n plain text of a secret \n")
	if err != nil || len(secrets) != 2 || string(secrets[0]) != "0123456789abcdef0123456789abcdef" || string(secrets[1]) != "plain text of a secret" {
		t.Errorf("%q, %v", secrets, err)
	}
	if _, err := ParseSecrets("whsec_hidden!"); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("%v", err)
	}
}

// FuzzParseNetwork: a network that is read contains the address that it names, and nothing panics.
func FuzzParseNetwork(f *testing.F) {
	for _, s := range []string{"10.0.0.0/8", "::1", "fe80::1%eth0", "::ffff:10.0.0.0/104", "10.0.0.1/33", "127.0.0.1", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseNetwork(s)
		if err != nil {
			return
		}
		address, _, _ := strings.Cut(s, "/")
		ip := netip.MustParseAddr(address)
		if (&Webhook{Allow: []netip.Prefix{p}}).mayReach(ip) != nil {
			t.Errorf("%s is %v, without %v", s, p, ip)
		}
	})
}
