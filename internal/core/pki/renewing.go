package pki

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"
)

// renewing is a certificate that is replaced in time, at the first handshake that finds it old.
type renewing struct {
	issue func() (*tls.Certificate, error)

	mu   sync.Mutex
	cert *tls.Certificate
}

// adopt begins with a stored certificate, which may be nil, and makes sure that there is a good one.
func (r *renewing) adopt(cert *tls.Certificate) error {
	r.cert = cert
	_, err := r.get()
	return err
}

// get is the certificate. One that cannot be renewed is used as long as it is good.
func (r *renewing) get() (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cert != nil && !due(r.cert.Leaf) {
		return r.cert, nil
	}
	fresh, err := r.issue()
	if err == nil {
		r.cert = fresh
	}
	if r.cert != nil && time.Now().Before(r.cert.Leaf.NotAfter) {
		return r.cert, nil
	}
	return fresh, err
}

// due tells whether a third or less of a certificate's life is left.
func due(c *x509.Certificate) bool {
	return time.Until(c.NotAfter) <= c.NotAfter.Sub(c.NotBefore)/3
}

func samePublic(a, b crypto.PublicKey) bool {
	x, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && x.Equal(b)
}
