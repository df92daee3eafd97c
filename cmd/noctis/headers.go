package main

import "net/http"

// hardened sets the headers of every answer that keep a browser from doing with it what it is not for. Pages and documents set a
// Content-Security-Policy of their own; everything else is no document, whatever somebody takes it for.
func hardened(next http.Handler, overTLS func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", featurePolicy)
		if overTLS(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// featurePolicy are what neither the page nor the viewer needs of the reader's machine.
const featurePolicy = "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
