package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aloft-cloud/aloft/internal/core/fault"
	"github.com/aloft-cloud/aloft/internal/core/file"
)

// The files of a host's folder.
const (
	hostCert = "host.pem"
	hostKey  = "host-key.pem"
)

// HostFiles are the paths in a host's folder of its certificate, its key and the CA's certificate.
func HostFiles(dir string) (cert, key, ca string) {
	return filepath.Join(dir, hostCert), filepath.Join(dir, hostKey), filepath.Join(dir, CAFile)
}

// HostRequest asks for a certificate, in PEM, for the key in a host's folder, which is made the first time and never
// leaves the host.
func HostRequest(dir, id string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the host's folder: %w", err)
	}
	path := filepath.Join(dir, hostKey)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = newKey(path)
	}
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject(RoleHost, id)}, key)
	if err != nil {
		return nil, fmt.Errorf("asking for a certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// RequestKey checks a HostRequest and returns the key that it is for.
func RequestKey(request []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(request)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, fault.Invalidf("request", "request must be a certificate request in PEM")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = r.CheckSignature()
	}
	if err != nil {
		return nil, fault.Invalidf("request", "request is no valid certificate request: %v", err)
	}
	if _, ok := r.PublicKey.(*ecdsa.PublicKey); !ok {
		return nil, fault.Invalidf("request", "request must be for an ECDSA key, but is for a %T", r.PublicKey)
	}
	return r.PublicKey, nil
}

// SignHost signs a certificate, in PEM, that makes the holder of the key the host of that id.
func (a *Authority) SignHost(id string, key crypto.PublicKey) ([]byte, error) {
	if !hostID.MatchString(id) {
		return nil, fault.Invalidf("host_id", "a host's id must be 1 to 64 letters, digits, - or _, but is %q", id)
	}
	der, err := a.certify(clientTemplate(RoleHost, id), hostLife, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// KeepHost writes a host's new certificate and the CA's into its folder, if they and its key belong together.
func KeepHost(dir string, ca, cert []byte) error {
	key, err := os.ReadFile(filepath.Join(dir, hostKey))
	if err != nil {
		return fmt.Errorf("reading the host's key: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("the certificate does not fit the host's key: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return fmt.Errorf("the certificate is not of the CA that came with it: %w", err)
	}
	if err := file.Replace(filepath.Join(dir, CAFile), ca, 0o644); err != nil {
		return fmt.Errorf("writing the host's %s: %w", CAFile, err)
	}
	if err := file.Replace(filepath.Join(dir, hostCert), cert, 0o644); err != nil {
		return fmt.Errorf("writing the host's certificate: %w", err)
	}
	return nil
}

// LoadHostTLS is for a host's connections, from the folder that KeepHost has filled. It reads the certificate at each
// handshake, so one that was renewed is used from the next connection on.
func LoadHostTLS(dir string) (*tls.Config, error) {
	certFile, keyFile, caFile := HostFiles(dir)
	c, err := ClientTLS(caFile)
	if err != nil {
		return nil, err
	}
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the host's certificate: %w", err)
		}
		return &cert, nil
	}
	if _, err := load(nil); err != nil {
		return nil, err
	}
	c.GetClientCertificate = load
	return c, nil
}
