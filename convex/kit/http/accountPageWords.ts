import type { LinkAction } from "../../accounts/links";

/** What the pages say that links of letters about accounts open. */
export type PageLanguage = "en" | "de";

/** Of one page: what it is for, what its button does, and what is so once that is done. */
type Page = { title: string; lead: string; button: string; done: string };

type Words = {
  pages: Record<LinkAction, Page>;
  password: string;
  passwordHint: string;
  show: string;
  code: string;
  codeHint: string;
  codeLead: string;
  codeButton: string;
  onlyPasskey: string;
  noToken: string;
  noScript: string;
  refused: string;
  gone: string;
  unreachable: string;
  busy: string;
};

export const PAGE_WORDS: Record<PageLanguage, Words> = {
  en: {
    pages: {
      "verify-email": {
        title: "Confirm your e-mail address",
        lead: "One click, and the address is yours here.",
        button: "Confirm the address",
        done: "Thank you: your e-mail address is confirmed. You can close this page.",
      },
      "change-email": {
        title: "Confirm your new e-mail address",
        lead: "One click, and your account uses this address from now on.",
        button: "Use this address",
        done: "Thank you: your account uses the new address now. You can close this page.",
      },
      "reset-password": {
        title: "Choose a new password",
        lead: "All sessions of your account end with it: you sign in again with the new one.",
        button: "Set the password",
        done: "Your new password is set. Sign in with it now. You can close this page.",
      },
      "magic-link": {
        title: "Sign in",
        lead: "One click, and you are signed in with this browser.",
        button: "Sign in",
        done: "You are signed in with this browser.",
      },
      unlock: {
        title: "Unlock your account",
        lead: "One click, and your account takes its password again.",
        button: "Unlock the account",
        done: "Your account is unlocked. You can sign in now, and close this page.",
      },
    },
    password: "New password",
    passwordHint: "A few words that nobody guesses are best.",
    show: "Show the password",
    code: "Code",
    codeHint: "The six digits of your authenticator app, or one of your recovery codes.",
    codeLead: "Your account asks for a second proof that it is you.",
    codeButton: "Go on",
    onlyPasskey: "Your account asks for your passkey: sign in with it in the app.",
    noToken: "Something of the link is missing. Open it once more from the letter.",
    noScript: "This page needs JavaScript: the link’s secret never leaves your browser unasked.",
    refused: "That was refused:",
    gone: "Ask for a new letter, and use the link of the latest.",
    unreachable: "The server cannot be reached. Look at your connection, and try again.",
    busy: "One moment …",
  },
  de: {
    pages: {
      "verify-email": {
        title: "E-Mail-Adresse bestätigen",
        lead: "Ein Klick, und die Adresse gehört hier zu Ihnen.",
        button: "Adresse bestätigen",
        done: "Danke: Ihre E-Mail-Adresse ist bestätigt. Sie können diese Seite schließen.",
      },
      "change-email": {
        title: "Neue E-Mail-Adresse bestätigen",
        lead: "Ein Klick, und Ihr Konto verwendet ab jetzt diese Adresse.",
        button: "Diese Adresse verwenden",
        done: "Danke: Ihr Konto verwendet jetzt die neue Adresse. Sie können diese Seite schließen.",
      },
      "reset-password": {
        title: "Neues Passwort wählen",
        lead: "Damit enden alle Sitzungen Ihres Kontos: Sie melden sich mit dem neuen wieder an.",
        button: "Passwort setzen",
        done: "Ihr neues Passwort gilt. Melden Sie sich jetzt damit an. Sie können diese Seite schließen.",
      },
      "magic-link": {
        title: "Anmelden",
        lead: "Ein Klick, und Sie sind mit diesem Browser angemeldet.",
        button: "Anmelden",
        done: "Sie sind mit diesem Browser angemeldet.",
      },
      unlock: {
        title: "Konto entsperren",
        lead: "Ein Klick, und Ihr Konto nimmt sein Passwort wieder an.",
        button: "Konto entsperren",
        done: "Ihr Konto ist entsperrt. Sie können sich jetzt anmelden und diese Seite schließen.",
      },
    },
    password: "Neues Passwort",
    passwordHint: "Am besten ein paar Wörter, die niemand errät.",
    show: "Passwort anzeigen",
    code: "Code",
    codeHint: "Die sechs Ziffern Ihrer Authenticator-App oder einer Ihrer Wiederherstellungscodes.",
    codeLead: "Ihr Konto verlangt einen zweiten Nachweis, dass Sie es sind.",
    codeButton: "Weiter",
    onlyPasskey: "Ihr Konto verlangt Ihren Passkey: Melden Sie sich damit in der App an.",
    noToken: "Vom Link fehlt etwas. Öffnen Sie ihn noch einmal aus der Nachricht.",
    noScript:
      "Diese Seite braucht JavaScript: Das Geheimnis des Links verlässt Ihren Browser nie ungefragt.",
    refused: "Das wurde abgelehnt:",
    gone: "Fordern Sie eine neue Nachricht an und benutzen Sie den Link der letzten.",
    unreachable:
      "Der Server ist nicht zu erreichen. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
    busy: "Einen Moment …",
  },
};
