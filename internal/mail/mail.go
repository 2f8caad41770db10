// Package mail answers how a letter leaves: by SMTP, or as a file in a folder
// where no server is configured.
package mail

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"lgsp/internal/replace"
)

// Mailer sends letters.
type Mailer struct {
	URL  string // smtp://user:password@host:port or smtps://…; empty: files in Dir
	Dir  string // made when missing, 0700
	From string // the sender's address
	Now  func() time.Time
}

// Letter is text to one person.
type Letter struct {
	ID      string // the same when it is sent again, so that mail programs show it once; "": none
	To      string
	Subject string
	Text    string
	HTML    string // the same for programs that show it; "": none

	// Unsubscribe is the address that ends letters of this kind by one POST
	// without a sign-in (RFC 8058); "" for a letter that is owed anyway.
	Unsubscribe string
}

// Send sends the letter, or writes it to a file DATE-SUBJECT.eml in Dir.
func (m Mailer) Send(ctx context.Context, l Letter) error {
	msg := gomail.NewMsg()
	if err := msg.From(m.From); err != nil {
		return fmt.Errorf("sender of letter: %w", err)
	}
	if err := msg.To(l.To); err != nil {
		return fmt.Errorf("receiver of letter: %w", err)
	}
	msg.Subject(l.Subject)
	msg.SetDateWithValue(m.Now())
	msg.SetMessageID()
	if _, host, ok := strings.Cut(m.From, "@"); ok && l.ID != "" {
		msg.SetMessageIDWithValue(l.ID + "@" + host)
	}
	if l.Unsubscribe != "" {
		msg.SetGenHeader(gomail.HeaderListUnsubscribe, "<"+l.Unsubscribe+">")
		msg.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	msg.SetBodyString(gomail.TypeTextPlain, l.Text)
	if l.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	}
	if m.URL == "" {
		return m.file(msg)
	}
	client, err := dial(m.URL)
	if err != nil {
		return err
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("send letter: %w", err)
	}
	return nil
}

func (m Mailer) file(msg *gomail.Msg) error {
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", m.Dir, err)
	}
	name := m.Now().UTC().Format("20060102T150405.000000000") + "-" + rand.Text()[:8] + ".eml"
	err := replace.File(filepath.Join(m.Dir, name), 0o600, func(w io.Writer) error { // whole, for who reads them meanwhile
		_, err := msg.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	return nil
}

func dial(address string) (*gomail.Client, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("address of the mail server is no URL") // the URL holds a password: not shown
	}
	options := []gomail.Option{gomail.WithTimeout(10 * time.Second), gomail.WithTLSPortPolicy(gomail.TLSOpportunistic)}
	if u.Scheme == "smtps" {
		options = append(options, gomail.WithSSLPort(false))
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		options = append(options, gomail.WithPort(port))
	}
	if password, ok := u.User.Password(); ok {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	client, err := gomail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, fmt.Errorf("mail server %s: %w", u.Hostname(), err)
	}
	return client, nil
}

// Filed is a letter that was written to a file.
type Filed struct {
	Name string // of the file
	At   time.Time
	Letter
}

// Files gives the newest letters in Dir, at most limit.
func (m Mailer) Files(limit int) ([]Filed, error) {
	names, err := filepath.Glob(filepath.Join(m.Dir, "*.eml"))
	if err != nil {
		return nil, fmt.Errorf("list letters: %w", err)
	}
	sort.Sort(sort.Reverse(sort.StringSlice(names)))
	letters := []Filed{}
	for _, name := range names[:min(limit, len(names))] {
		letter, err := readFile(name)
		if err != nil {
			return nil, err
		}
		letters = append(letters, letter)
	}
	return letters, nil
}

func readFile(name string) (Filed, error) {
	msg, err := gomail.EMLToMsgFromFile(name)
	if err != nil {
		return Filed{}, fmt.Errorf("read letter %s: %w", filepath.Base(name), err)
	}
	filed := Filed{Name: filepath.Base(name)}
	if at, err := time.Parse("20060102T150405.000000000", strings.SplitN(filed.Name, "-", 2)[0]); err == nil {
		filed.At = at
	}
	for _, to := range msg.GetTo() {
		filed.To = to.Address
	}
	if subject := msg.GetGenHeader(gomail.HeaderSubject); len(subject) > 0 {
		if filed.Subject, err = new(mime.WordDecoder).DecodeHeader(subject[0]); err != nil {
			return Filed{}, fmt.Errorf("read letter %s: %w", filed.Name, err)
		}
	}
	if parts := msg.GetParts(); len(parts) > 0 {
		text, err := parts[0].GetContent()
		if err != nil {
			return Filed{}, fmt.Errorf("read letter %s: %w", filed.Name, err)
		}
		filed.Text = string(text)
	}
	return filed, nil
}
