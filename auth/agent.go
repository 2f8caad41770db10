package auth

import "strings"

// The words by which the programs and systems people use call themselves in
// User-Agent. Most of them name others too, for compatibility, so the order
// counts: the first that is found is meant.
var (
	browserWords = [][2]string{
		{"Zalo", "Zalo"}, {"FBAN/", "Facebook"}, {"FBAV/", "Facebook"}, {"coc_coc_browser/", "Cốc Cốc"}, {"SamsungBrowser/", "Samsung Internet"},
		{"EdgiOS/", "Edge"}, {"EdgA/", "Edge"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"OPT/", "Opera"}, {"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	}
	systemWords = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"}, {"Macintosh", "macOS"}, {"Linux", "Linux"},
	}
)

// agentWords names the browser and the system of a User-Agent, each "" when
// it is none of those we know. Whoever sends it may say what they like: it is
// a help for the eye, and nothing is decided by it.
func agentWords(agent string) (browser, system string) {
	return firstWord(agent, browserWords), firstWord(agent, systemWords)
}

func firstWord(agent string, words [][2]string) string {
	for _, word := range words {
		if strings.Contains(agent, word[0]) {
			return word[1]
		}
	}
	return ""
}
