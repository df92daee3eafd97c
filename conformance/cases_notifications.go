package conformance

import (
	"net/http"
	"strings"
)

const (
	globalWorklist   = "1.2.840.10008.5.1.4.34.5"
	filteredWorklist = "1.2.840.10008.5.1.4.34.5.1"
)

// notificationCases are PS3.18 11.10 to 11.12 and 8.10.
func notificationCases() []Case {
	subscriber := func(t *T, name string) string { return "/subscribers/CF" + t.data.run[:6] + name }
	subscribe := func(t *T, at, parameters string) *answer {
		return t.send(http.MethodPost, at+parameters, nil, acceptJSON)
	}
	cases := []Case{
		writes("subscribe.item", "PS3.18 11.10.3.1", Shall, "a workitem is subscribed to: 201", func(t *T) {
			subscribe(t, t.created("subscribe")+subscriber(t, "A"), "").status(201)
		}),
		writes("subscribe.content-location", "PS3.18 11.10.3.2", Shall, "Content-Location is the address of the notification connection", func(t *T) {
			a := subscribe(t, t.created("subscribe at")+subscriber(t, "B"), "").status(201)
			a.has("Content-Location", "ws:// or wss://", func(v string) bool { return strings.HasPrefix(v, "ws://") || strings.HasPrefix(v, "wss://") })
		}),
		writes("subscribe.global", "PS3.18 11.10.3.1", Shall, "the global worklist is subscribed to: 201", func(t *T) {
			subscribe(t, "/workitems/"+globalWorklist+subscriber(t, "C"), "").status(201)
			t.send(http.MethodDelete, "/workitems/"+globalWorklist+subscriber(t, "C"), nil).status(200)
		}),
		writes("subscribe.deletion-lock", "PS3.18 11.10.1.2", Shall, "deletionlock=true is granted, or the Warning says that it is not", func(t *T) {
			a := subscribe(t, t.created("locked")+subscriber(t, "D"), "?deletionlock=true").status(201)
			if w := a.header.Get("Warning"); w != "" {
				a.warns("Deletion Lock not granted.")
			}
		}),
		writes("subscribe.filtered", "PS3.18 11.10.3.1", May, "a filtered worklist is subscribed to, or refused with the Warning", func(t *T) {
			at := "/workitems/" + filteredWorklist + subscriber(t, "E")
			a := subscribe(t, at, "?filter="+query("ProcedureStepLabel=conformance")).status(201, 403)
			if a.code == 403 {
				a.warns("Filtered Worklist Subscriptions are not supported.")
				t.unsupported("403")
			}
			t.send(http.MethodDelete, at, nil).status(200)
		}),
		writes("subscribe.404", "PS3.18 11.10.3.1", Shall, "a workitem that does not exist is answered 404", func(t *T) {
			subscribe(t, "/workitems/"+unknownUID+subscriber(t, "F"), "").status(404, 410)
		}),
		writes("unsubscribe", "PS3.18 11.11.3.1", Shall, "a subscription is ended: 200", func(t *T) {
			at := t.created("unsubscribe") + subscriber(t, "G")
			subscribe(t, at, "").status(201)
			t.send(http.MethodDelete, at, nil).status(200)
		}),
		writes("unsubscribe.none", "PS3.18 11.11.3.1", Shall, "a subscription that does not exist is answered 400 or 404", func(t *T) {
			t.send(http.MethodDelete, t.created("unsubscribe none")+subscriber(t, "H"), nil).status(400, 404)
		}),
		writes("suspend", "PS3.18 11.12.3.1", Shall, "the global subscription is suspended: 200", func(t *T) {
			at := "/workitems/" + globalWorklist + subscriber(t, "I")
			subscribe(t, at, "").status(201)
			t.send(http.MethodPost, at+"/suspend", nil).status(200)
			t.send(http.MethodDelete, at, nil)
		}),
		writes("connection", "PS3.18 8.10.4.3.1", Shall, "the notification connection is opened: 101", func(t *T) {
			at := "/workitems/" + globalWorklist + subscriber(t, "J")
			a := subscribe(t, at, "").status(201)
			url := "http" + strings.TrimPrefix(a.header.Get("Content-Location"), "ws")
			t.get(url, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: bm9jdGlzLWNvbmZvcm1hbg==").status(101)
			t.send(http.MethodDelete, at, nil)
		}),
	}
	return of(Worklist, cases...)
}
