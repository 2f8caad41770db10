package gateway

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/gateway/signature"
	"lgsp/internal/problem"
)

// A call may prove who makes it by a signature (RFC 9421) with a key that its
// application has registered, where the version takes that (Traffic.Signatures).
const (
	signatureTag    = "lgsp"           // so that no signature made for others opens anything here
	signatureWindow = 60 * time.Second // around created
	leastNonce      = 16               // characters
	mostNonce       = 128
)

// isSigned reports whether the call carries a signature that its version takes.
func (c *call) isSigned(r *http.Request) bool {
	return c.version != nil && c.version.Traffic.Signatures && (r.Header["Signature"] != nil || r.Header["Signature-Input"] != nil)
}

// bySignature finds the application whose key a call is signed with. The cheap
// is looked at first; of a key that is unknown and of a signature that is wrong
// the same is said. A signature names no person: no condition on one is met,
// and no personal data is opened.
func (c *call) bySignature(r *http.Request) error {
	s, err := signature.Parse(r.Header["Signature-Input"], r.Header["Signature"])
	if err != nil {
		return signatureMalformed(err)
	}
	id, kid, _ := strings.Cut(s.KeyID, "/")
	application, err := uuid.Parse(id)
	switch {
	case s.Tag != signatureTag:
		return signatureMalformed(errors.New(`the signature's tag is not "lgsp"`))
	case err != nil || application.String() != id || kid == "":
		return signatureMalformed(errors.New("keyid is not the application's id, a slash, and the kid of its key"))
	case len(s.Nonce) < leastNonce || len(s.Nonce) > mostNonce:
		return signatureMalformed(errors.New("nonce has not 16 to 128 characters"))
	}
	if name := unsigned(s, r); name != "" {
		return problem.Errorf(problem.Unauthorized, "the signature does not cover %s", name).Coded("signature-covers-little", "component", name)
	}
	if err := inTime(s, c.now); err != nil {
		return err
	}
	digest, err := digestOf(s, r)
	if err != nil {
		return err
	}
	key := c.snapshot.signers.of(application, kid)
	if key == nil {
		return signatureWrong()
	}
	request := signature.Request{Method: r.Method, Origin: auth.OriginOf(r, c.node.GatewayURL, c.node.ClientURL), Target: rawTarget(r.RequestURI),
		Length: r.ContentLength, Header: r.Header}
	if err := s.Verify(key.public, request); errors.Is(err, signature.ErrWrong) {
		return signatureWrong()
	} else if err != nil {
		return signatureMalformed(err)
	}
	c.exchange.Application = application // its owner is to see what is tried with the key
	fresh, room := c.node.nonces.take(application, s.Nonce, c.now, 2*signatureWindow)
	switch {
	case !room:
		return problem.Errorf(problem.Unavailable, "too many signed calls came in the last minutes; try again in one").
			Coded("signature-busy").Sends("Retry-After", "60")
	case !fresh:
		return problem.Errorf(problem.Unauthorized, "the signature was used before; each call has a nonce of its own").Coded("signature-replayed")
	}
	c.caller.application = application
	return holdTo(digest, r)
}

// holdTo has a request's body held to a digest; nil: to none. Whoever reads it
// fails (digest-wrong) before its end when it is another one.
func holdTo(digest *signature.Digest, r *http.Request) error {
	if digest == nil {
		return nil
	}
	wrong := problem.Errorf(problem.Invalid, "the request's body is not the one that Content-Digest names").
		Coded("digest-wrong").Sends("Connection", "close")
	if !hasBody(r) { // which nobody reads
		_, err := io.Copy(io.Discard, digest.Reader(http.NoBody, wrong))
		return err
	}
	r.Body = digest.Reader(r.Body, wrong)
	return nil
}

// unsigned is what a signature has to cover and does not; "" when it covers all:
// what is asked for and where, the body, the purpose, which chooses the
// agreement, and the dossier, which is evidence.
func unsigned(s *signature.Signature, r *http.Request) string {
	needed := []string{"@method"}
	if !s.Covers("@target-uri") {
		needed = append(needed, "@authority", "@path", "@query")
	}
	if hasBody(r) {
		needed = append(needed, "content-digest")
	}
	if r.Header["Lgsp-Purpose"] != nil {
		needed = append(needed, "lgsp-purpose")
	}
	if r.Header["Lgsp-Dossier"] != nil {
		needed = append(needed, "lgsp-dossier")
	}
	for _, name := range needed {
		if !s.Covers(name) {
			return name
		}
	}
	return ""
}

func hasBody(r *http.Request) bool { return r.ContentLength != 0 && r.Body != http.NoBody }

// inTime holds a signature to its times, by the node's own clock.
func inTime(s *signature.Signature, now time.Time) error {
	created, expires := time.Unix(s.Created, 0), time.Unix(s.Expires, 0)
	at := now.UTC().Format(time.RFC3339)
	if s.Created == 0 || created.Before(now.Add(-signatureWindow)) || created.After(now.Add(signatureWindow)) ||
		s.Expires != 0 && (!now.Before(expires) || expires.Before(created)) {
		return problem.Errorf(problem.Unauthorized, "the signature was not created in the last 60 s, or has expired; it is %s here", at).
			Coded("signature-time", "at", at)
	}
	return nil
}

// digestOf is what a signed Content-Digest says of the body; nil: none is signed.
func digestOf(s *signature.Signature, r *http.Request) (*signature.Digest, error) {
	if !s.Covers("content-digest") {
		return nil, nil
	}
	d, err := signature.ParseDigest(r.Header["Content-Digest"])
	if err != nil {
		return nil, signatureMalformed(err)
	}
	return d, nil
}

func signatureMalformed(err error) error {
	return problem.Errorf(problem.Unauthorized, "the signature cannot be taken: %s", err).Coded("signature-malformed", "reason", err.Error())
}

func signatureWrong() error {
	return problem.Errorf(problem.Unauthorized, "the signature is wrong, or its key is not one of the application's").Coded("signature-wrong")
}

// rawTarget is path and query of a request target as the caller wrote them.
func rawTarget(target string) string {
	path := rawPath(target)
	if i := strings.IndexByte(target, '?'); i >= 0 {
		return path + target[i:]
	}
	return path
}

// asksForSignature adds to a 401 how a call would be signed (RFC 9421 §5.1),
// with a nonce that may be used.
func (c *call) asksForSignature(e *problem.Error) {
	if !c.version.Traffic.Signatures {
		return
	}
	e.Sends("Accept-Signature", `lgsp=("@method" "@target-uri" "content-digest");created;nonce="`+rand.Text()+`";tag="`+signatureTag+`"`)
}
