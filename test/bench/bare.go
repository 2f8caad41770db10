package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// bareProgram is the argument that makes this program the bare server.
const bareProgram = "bare"

// bare is the least that a token endpoint can be: net/http, a form, a secret
// compared by HMAC, and a JWT signed by ES256 (/token) or nothing (/introspect).
// It keeps nothing and asks nobody. Its arguments are address and secret.
func bare(ctx context.Context, address, secret string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	pepper := []byte("a pepper of thirty-two bytes ....")
	sum := func(text string) []byte {
		m := hmac.New(sha256.New, pepper)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	want := sum(secret)
	known := func(r *http.Request) bool {
		_, sent, _ := r.BasicAuth()
		return r.ParseForm() == nil && r.PostForm.Get("grant_type")+r.PostForm.Get("token") != "" && hmac.Equal(sum(sent), want)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if !known(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		token, err := bareToken(key, r.PostForm.Get("resource"))
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		bareAnswer(w, map[string]any{"access_token": token, "token_type": "bearer", "expires_in": 300})
	})
	routes.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		if !known(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		bareAnswer(w, map[string]any{"active": true, "client_id": "a", "exp": 1})
	})
	server := &http.Server{Addr: address, Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func bareAnswer(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer) // the caller may have gone
}

func bareToken(key *ecdsa.PrivateKey, audience string) (string, error) {
	var id [16]byte
	rand.Read(id[:]) // never fails (crypto/rand)
	now := time.Now().Unix()
	return signJWT(key, map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": "k"},
		map[string]any{"iss": "http://bare", "aud": audience, "sub": "a", "client_id": "a", "jti": fmt.Sprintf("%x", id), "iat": now, "exp": now + 300})
}

// startBare starts this program as the bare server.
func startBare(secret string) (*process, string, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, "", err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	p, err := startProcess(os.Environ(), self, bareProgram, address, secret)
	return p, "http://" + address, err
}
