package auth

import (
	"strings"
	"testing"
	"time"
)

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{
		"đđđđđđđ":                           "password-short",
		"Qua\u0309ng N":                     "password-short", // seven characters whichever keyboard sends them
		strings.Repeat("đất ", 300):         "password-long",
		strings.Repeat("x", 1<<20):          "password-long",
		"aaaaaaaa":                          "password-pattern",
		"abcabcabcabc":                      "password-pattern",
		"abcdefgh":                          "password-pattern",
		"98765432":                          "password-pattern",
		strings.Repeat("\u0301", 8):         "password-pattern",
		"password":                          "password-common",
		"Password1!":                        "password-common",
		"p4$$w0rd":                          "password-common",
		"passwordpassword":                  "password-common",
		"qwertyuiop":                        "password-common",
		"Mật Khẩu 123":                      "password-common",
		"AnhYêuEm":                          "password-common",
		"quangngai2024":                     "password-common",
		"elephants":                         "password-common",
		"trandthilan":                       "password-own", // three letters more than the name
		"Lan Trần 1990":                     "password-own",
		"lan.tran@so-a.vn":                  "password-own",
		"gió biển Lý Sơn":                   "",
		"correct horse battery staple":      "",
		"tập bản đồ của Lan":                "",
		strings.Repeat("đất trời ", 70):     "",
		"cà phê sữa đá":                     "",
		strings.Repeat("4@8({[</369&#", 70): "",
		"Zk8q-vBw2":                         "",
	} {
		began := time.Now()
		err := fieldsWrong()
		checkPassword(err, password, "lan.tran@so-a.vn", "Trần Thị Lan")
		if got := fields(err)["password"]; got != want {
			t.Errorf("%.40q: got %q, want %q", password, got, want)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%.40q took %s", password, took)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("gió biển Lý Sơn", "lan@x.vn", "Lan")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, password, email, name string) {
		checkPassword(fieldsWrong(), password, email, name) // ends, without a panic
	})
}
