package webhook

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// Reserved are the addresses that are not public (the special-purpose registries of IANA): this machine, its links with what clouds tell
// machines of themselves there, private networks, multicast, and those of IPv6 that stand for others. A webhook reaches none of them
// unless it is allowed to, because an event must not become a request to what trusts this machine.
var Reserved = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
	"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// ParseNetwork reads an address, or a network as "10.0.0.0/8".
func ParseNetwork(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		ip = ip.Unmap().WithZone("")
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no address and no network like 10.0.0.0/8", text)
	}
	if p.Addr().Is4In6() {
		return p, fmt.Errorf("%q: write it as a network of IPv4", text)
	}
	return p.Masked(), nil
}

// mayReach is an error if the webhook may not have the address.
func (w *Webhook) mayReach(ip netip.Addr) error {
	ip = ip.Unmap().WithZone("")
	in := func(p netip.Prefix) bool { return p.Contains(ip) }
	if slices.ContainsFunc(Reserved, in) && !slices.ContainsFunc(w.Allow, in) {
		return fmt.Errorf("%w: %s is not public, and the webhook has no \"allow\" for it", errForbidden, ip)
	}
	return nil
}

// control is asked by the dialer before it connects: the name has been resolved by then, and it is this address that is connected to, so
// that no name service can change its mind in between.
func (w *Webhook) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return w.mayReach(at.Addr())
}
