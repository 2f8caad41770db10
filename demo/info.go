package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lgsp/internal/replace"
)

// Info is what a person or a script needs to try the running demo. It holds
// the demo's passwords and keys, made anew for each installation.
type Info struct {
	Portal            string      `json:"portal"` // origins
	Gateway           string      `json:"gateway"`
	Ops               string      `json:"ops"`
	Issuer            string      `json:"issuer"`
	Accounts          []Account   `json:"accounts"`
	Application       Application `json:"application"`
	RegistrationToken string      `json:"registration_token"` // for programs that register themselves for the developer; made at each start
	Calls             []Call      `json:"calls"`
}

// Account is a demo person. Role is operator, publisher, steward, developer,
// auditor or citizen.
type Account struct {
	Role     string `json:"role"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Token    string `json:"token"` // a personal access token, made at each start, lasts 24 h
}

// Application is the demo developer's.
type Application struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	APIKey       string `json:"api_key"`
}

// Call is one to try at the gateway.
type Call struct {
	Title  string `json:"title"`
	Method string `json:"method"`
	URL    string `json:"url"`
	Needs  string `json:"needs"` // nothing, key, token; denied: it is refused whatever is shown
}

const infoFile = "demo.json"

// kept is what the file holds.
type kept struct {
	Info
	Loaded bool `json:"loaded"` // the whole province was; from then on it is the people's
}

// ReadInfo reads what the demo on that data directory keeps.
func ReadInfo(dir string) (Info, error) {
	k, err := readKept(dir)
	return k.Info, err
}

func readKept(dir string) (kept, error) {
	var k kept
	text, err := os.ReadFile(filepath.Join(dir, infoFile))
	if errors.Is(err, fs.ErrNotExist) {
		return k, fmt.Errorf("no demo has been started on %s; run: lgsp serve --demo", dir)
	} else if err != nil {
		return k, fmt.Errorf("read demo: %w", err)
	}
	if err := json.Unmarshal(text, &k); err != nil {
		return k, fmt.Errorf("read %s: %w", infoFile, err)
	}
	return k, nil
}

// save replaces the file as a whole; only its owner may read it.
func (k kept) save(dir string) error {
	text, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return fmt.Errorf("write demo: %w", err)
	}
	if err := replace.Bytes(filepath.Join(dir, infoFile), 0o600, append(text, '\n')); err != nil {
		return fmt.Errorf("write demo: %w", err)
	}
	return nil
}

// account is the account of a role; the demo makes all of them.
func (i *Info) account(role string) *Account {
	for n := range i.Accounts {
		if i.Accounts[n].Role == role {
			return &i.Accounts[n]
		}
	}
	i.Accounts = append(i.Accounts, Account{Role: role})
	return &i.Accounts[len(i.Accounts)-1]
}

// Print tells a person where the demo is, who can sign in, and two calls to paste.
func (i Info) Print(w io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nLGSP, demo province. Data is invented or quoted from letter 4259/UBND-KGVX.\n\n")
	fmt.Fprintf(&b, "  Portal   %s\n  Gateway  %s\n  Ops      %s\n\n", i.Portal, i.Gateway, i.Ops)
	fmt.Fprintf(&b, "Accounts (made for this installation; no second factor in the demo):\n")
	for _, a := range i.Accounts {
		fmt.Fprintf(&b, "  %-10s %-34s %s\n", a.Role, a.Email, a.Password)
	}
	for _, c := range i.Calls {
		switch c.Needs {
		case "nothing":
			fmt.Fprintf(&b, "\nOpen to everyone:\n  curl '%s'\n", c.URL)
		case "key":
			fmt.Fprintf(&b, "\nUnder an agreement, with an API key:\n  curl -H 'X-API-Key: %s' '%s'\n", i.Application.APIKey, c.URL)
		}
	}
	_, _ = io.WriteString(w, b.String()+"\n")
}
