import type { Language, RenderedLetter } from "../delivery/letters";
import { renderLetter } from "../delivery/letters/letter";
import { deviceName } from "./deviceName";
import type { AccountMail, AccountMailData, SecondFactorChange } from "./mail";
import type { Said } from "./mailAdmission";

/** What letters about accounts say: in both languages, and the same data give the same bytes. */

export type AccountLetter = {
  template: AccountMail["template"];
  language: Language;
  to: string;
  data: AccountMailData;
  said: Said;
  /** When it happened, and until when its link is good (ms since 1970). */
  at: number;
  goodUntil?: number;
};

/** `action` is the name of what its link does. */
type Text = { subject: string; paragraphs: string[]; action?: string };
type Texts = Record<Language, (data: AccountMailData, until: string) => Text>;
type Template = { facts: readonly ("device" | "ip" | "at")[]; text: Texts };

const IF_NOT_YOU = {
  en: "If it was not you, sign in, change your password at once, and end all other sessions. If you can no longer sign in, ask for a new password, or turn to whoever runs this service for you.",
  de: "Wenn Sie es nicht waren, melden Sie sich an, ändern Sie sofort Ihr Passwort und beenden Sie alle anderen Sitzungen. Können Sie sich nicht mehr anmelden, fordern Sie ein neues Passwort an oder wenden Sie sich an die Stelle, die diesen Dienst für Sie betreibt.",
};

const CHANGES: Record<SecondFactorChange, Record<Language, string>> = {
  totp_added: {
    en: "signing in to your account now also takes a code of your authenticator app.",
    de: "für die Anmeldung an Ihrem Konto wird jetzt auch ein Code aus Ihrer Authenticator-App verlangt.",
  },
  totp_removed: {
    en: "signing in to your account no longer takes a code of your authenticator app.",
    de: "für die Anmeldung an Ihrem Konto wird kein Code aus Ihrer Authenticator-App mehr verlangt.",
  },
  recovery_codes_renewed: {
    en: "new recovery codes were made for your account. The old ones no longer work.",
    de: "für Ihr Konto wurden neue Wiederherstellungscodes erzeugt. Die alten gelten nicht mehr.",
  },
  recovery_code_used: {
    en: "a recovery code was used to sign in to your account. It does not work a second time.",
    de: "für eine Anmeldung an Ihrem Konto wurde ein Wiederherstellungscode benutzt. Er gilt kein zweites Mal.",
  },
  passkey_added: {
    en: "a passkey was added to your account. It can be used to sign in.",
    de: "Ihrem Konto wurde ein Passkey hinzugefügt. Mit ihm kann man sich anmelden.",
  },
  passkey_removed: {
    en: "a passkey was removed from your account. It can no longer be used to sign in.",
    de: "aus Ihrem Konto wurde ein Passkey entfernt. Mit ihm kann man sich nicht mehr anmelden.",
  },
};

const PROVIDERS = { microsoft: "Microsoft", google: "Google" } as const;

const TEMPLATES: Record<AccountMail["template"], Template> = {
  verification: {
    facts: [],
    text: {
      en: (_d, until) => ({
        subject: "Confirm your e-mail address",
        paragraphs: [
          `please confirm that this is your e-mail address. The link is good until ${until}.`,
          "If you have not registered, ignore this message: without your confirmation nobody can use your address.",
        ],
        action: "Confirm the address",
      }),
      de: (_d, until) => ({
        subject: "E-Mail-Adresse bestätigen",
        paragraphs: [
          `bitte bestätigen Sie, dass dies Ihre E-Mail-Adresse ist. Der Link gilt bis ${until}.`,
          "Wenn Sie sich nicht registriert haben, beachten Sie diese Nachricht nicht: Ohne Ihre Bestätigung kann niemand Ihre Adresse benutzen.",
        ],
        action: "Adresse bestätigen",
      }),
    },
  },
  password_reset: {
    facts: [],
    text: {
      en: (_d, until) => ({
        subject: "Choose a new password",
        paragraphs: [
          `somebody, hopefully you, asked for a new password. The link is good until ${until}.`,
          "If it was not you, ignore this message: your password stays as it is.",
        ],
        action: "Choose a new password",
      }),
      de: (_d, until) => ({
        subject: "Neues Passwort wählen",
        paragraphs: [
          `jemand, hoffentlich Sie, hat ein neues Passwort angefordert. Der Link gilt bis ${until}.`,
          "Wenn Sie es nicht waren, beachten Sie diese Nachricht nicht: Ihr Passwort bleibt, wie es ist.",
        ],
        action: "Neues Passwort wählen",
      }),
    },
  },
  magic_link: {
    facts: [],
    text: {
      en: (_d, until) => ({
        subject: "Your link to sign in",
        paragraphs: [
          `here is the link that you asked for. It works once, until ${until}, and signs in whoever opens it: hand it on to nobody.`,
          "If you did not ask for it, ignore this message: nobody gets in without the link.",
        ],
        action: "Sign in",
      }),
      de: (_d, until) => ({
        subject: "Ihr Link zur Anmeldung",
        paragraphs: [
          `hier ist der Link, den Sie angefordert haben. Er gilt einmal, bis ${until}, und meldet an, wer ihn öffnet: Geben Sie ihn niemandem weiter.`,
          "Wenn Sie ihn nicht angefordert haben, beachten Sie diese Nachricht nicht: Ohne den Link kommt niemand hinein.",
        ],
        action: "Anmelden",
      }),
    },
  },
  unlock: {
    facts: ["at"],
    text: {
      en: (_d, until) => ({
        subject: "Your account is locked",
        paragraphs: [
          "somebody tried ten wrong passwords for your account. To protect it, it takes no password for now, not even the right one.",
          `If it was you, unlock it here. The link is good until ${until}.`,
          "If it was not you, nobody has got in. Unlock it when you want to sign in, and choose a new password if you use this one elsewhere.",
        ],
        action: "Unlock the account",
      }),
      de: (_d, until) => ({
        subject: "Ihr Konto ist gesperrt",
        paragraphs: [
          "jemand hat für Ihr Konto zehn falsche Passwörter versucht. Zu Ihrem Schutz nimmt es zurzeit kein Passwort an, auch nicht das richtige.",
          `Wenn Sie es waren, entsperren Sie es hier. Der Link gilt bis ${until}.`,
          "Wenn Sie es nicht waren: Es ist niemand hineingekommen. Entsperren Sie das Konto, wenn Sie sich anmelden möchten, und wählen Sie ein neues Passwort, falls Sie dieses auch anderswo benutzen.",
        ],
        action: "Konto entsperren",
      }),
    },
  },
  change_email: {
    facts: [],
    text: {
      en: (_d, until) => ({
        subject: "Confirm your new e-mail address",
        paragraphs: [
          `somebody, hopefully you, wants to use this address for their account. It is used once you confirm it. The link is good until ${until}.`,
          "If it was not you, ignore this message: without your confirmation nothing changes.",
        ],
        action: "Confirm the address",
      }),
      de: (_d, until) => ({
        subject: "Neue E-Mail-Adresse bestätigen",
        paragraphs: [
          `jemand, hoffentlich Sie, möchte diese Adresse für ein Konto verwenden. Sie gilt, sobald Sie sie bestätigen. Der Link gilt bis ${until}.`,
          "Wenn Sie es nicht waren, beachten Sie diese Nachricht nicht: Ohne Ihre Bestätigung ändert sich nichts.",
        ],
        action: "Adresse bestätigen",
      }),
    },
  },
  email_change_notice: {
    facts: ["at"],
    text: {
      en: ({ email = "" }) => ({
        subject: "Your e-mail address is to be changed",
        paragraphs: [
          `somebody, hopefully you, asked to change the e-mail address of your account to ${email}. It changes once that address is confirmed.`,
          IF_NOT_YOU.en,
        ],
      }),
      de: ({ email = "" }) => ({
        subject: "Ihre E-Mail-Adresse soll geändert werden",
        paragraphs: [
          `jemand, hoffentlich Sie, möchte die E-Mail-Adresse Ihres Kontos in ${email} ändern. Sie ändert sich, sobald jene Adresse bestätigt ist.`,
          IF_NOT_YOU.de,
        ],
      }),
    },
  },
  email_changed: {
    facts: ["at"],
    text: {
      en: ({ email = "" }) => ({
        subject: "Your e-mail address was changed",
        paragraphs: [`the e-mail address of your account is now ${email}.`, IF_NOT_YOU.en],
      }),
      de: ({ email = "" }) => ({
        subject: "Ihre E-Mail-Adresse wurde geändert",
        paragraphs: [`die E-Mail-Adresse Ihres Kontos ist jetzt ${email}.`, IF_NOT_YOU.de],
      }),
    },
  },
  password_changed: {
    facts: ["at"],
    text: {
      en: () => ({
        subject: "Your password was changed",
        paragraphs: [
          "your account has a new password. If you have just chosen it, there is nothing to do.",
          IF_NOT_YOU.en,
        ],
      }),
      de: () => ({
        subject: "Ihr Passwort wurde geändert",
        paragraphs: [
          "Ihr Konto hat ein neues Passwort. Wenn Sie es gerade gewählt haben, ist nichts zu tun.",
          IF_NOT_YOU.de,
        ],
      }),
    },
  },
  new_device: {
    facts: ["device", "ip", "at"],
    text: {
      en: () => ({
        subject: "A new device has signed in",
        paragraphs: [
          "somebody, hopefully you, signed in to your account from a device that it did not know.",
          IF_NOT_YOU.en,
        ],
      }),
      de: () => ({
        subject: "Anmeldung von einem neuen Gerät",
        paragraphs: [
          "jemand, hoffentlich Sie, hat sich von einem Gerät an Ihrem Konto angemeldet, das es noch nicht kannte.",
          IF_NOT_YOU.de,
        ],
      }),
    },
  },
  session_reuse: {
    facts: ["device", "ip", "at"],
    text: {
      en: () => ({
        subject: "We have ended a session of yours",
        paragraphs: [
          "a key of one of your sessions was used a second time. That happens when somebody has copied it, so the session was ended at once.",
          "Sign in again where you were signed out. If you cannot explain it, change your password, and end all other sessions.",
        ],
      }),
      de: () => ({
        subject: "Eine Ihrer Sitzungen wurde beendet",
        paragraphs: [
          "ein Schlüssel einer Ihrer Sitzungen wurde ein zweites Mal benutzt. Das geschieht, wenn jemand ihn kopiert hat; die Sitzung wurde deshalb sofort beendet.",
          "Melden Sie sich dort neu an, wo Sie abgemeldet wurden. Wenn Sie es sich nicht erklären können, ändern Sie Ihr Passwort und beenden Sie alle anderen Sitzungen.",
        ],
      }),
    },
  },
  codes_locked: {
    facts: ["device", "ip", "at"],
    text: {
      en: () => ({
        subject: "Your second factor is locked",
        paragraphs: [
          "somebody tried ten wrong codes for your account. To protect it, it takes no code for a quarter of an hour, not even a right one; passkeys still sign in.",
          "Codes are asked for once the password was right, or a provider or a letter has signed in. If that was not you, choose a new password, and see whether your mailbox is yours alone.",
        ],
      }),
      de: () => ({
        subject: "Ihr zweiter Faktor ist gesperrt",
        paragraphs: [
          "jemand hat für Ihr Konto zehn falsche Codes versucht. Zu Ihrem Schutz nimmt es eine Viertelstunde lang keinen Code an, auch keinen richtigen; Passkeys melden weiterhin an.",
          "Nach einem Code wird erst gefragt, wenn das Passwort richtig war oder ein Anbieter oder eine E-Mail angemeldet hat. Wenn Sie das nicht waren, wählen Sie ein neues Passwort, und prüfen Sie, ob Ihr Postfach Ihnen allein gehört.",
        ],
      }),
    },
  },
  second_factor_changed: {
    facts: ["at"],
    text: {
      en: ({ change }) => ({
        subject: "How you sign in was changed",
        paragraphs: [change ? CHANGES[change].en : "", IF_NOT_YOU.en],
      }),
      de: ({ change }) => ({
        subject: "Ihre Anmeldung wurde geändert",
        paragraphs: [change ? CHANGES[change].de : "", IF_NOT_YOU.de],
      }),
    },
  },
  account_deleted: {
    facts: ["at"],
    text: {
      en: () => ({
        subject: "Your account was deleted",
        paragraphs: [
          "your account was deleted, and nobody can sign in to it any more. Thank you for the time that you were with us.",
          "If it was not you, turn to whoever runs this service for you.",
        ],
      }),
      de: () => ({
        subject: "Ihr Konto wurde gelöscht",
        paragraphs: [
          "Ihr Konto wurde gelöscht, und niemand kann sich mehr daran anmelden. Danke für die Zeit, die Sie bei uns waren.",
          "Wenn Sie es nicht waren, wenden Sie sich an die Stelle, die diesen Dienst für Sie betreibt.",
        ],
      }),
    },
  },
  accounts_joined: {
    facts: ["at"],
    text: {
      en: ({ email }) => ({
        subject: "Two of your accounts were joined",
        paragraphs: [
          email === undefined
            ? "two of your accounts were joined to one, and all sessions of the other were ended."
            : `two of your accounts were joined to one, that of ${email}, and all sessions of the other were ended.`,
          "If it was not you, turn to whoever runs this service for you at once.",
        ],
      }),
      de: ({ email }) => ({
        subject: "Zwei Ihrer Konten wurden zusammengeführt",
        paragraphs: [
          email === undefined
            ? "Zwei Ihrer Konten wurden zu einem zusammengeführt, und alle Sitzungen des anderen wurden beendet."
            : `Zwei Ihrer Konten wurden zu einem zusammengeführt, dem von ${email}, und alle Sitzungen des anderen wurden beendet.`,
          "Wenn Sie es nicht waren, wenden Sie sich sofort an die Stelle, die diesen Dienst für Sie betreibt.",
        ],
      }),
    },
  },
  oauth_connected: {
    facts: ["at"],
    text: {
      en: (d) => ({
        subject: `${providerOf(d)} was connected to your account`,
        paragraphs: [
          `${connectedOf(d)} was connected to your account. If that was you, there is nothing to do.`,
          "If it was not you, sign in, disconnect it, change your password at once, and end all other sessions.",
        ],
      }),
      de: (d) => ({
        subject: `${providerOf(d)} wurde mit Ihrem Konto verbunden`,
        paragraphs: [
          `${connectedOf(d)} wurde mit Ihrem Konto verbunden. Wenn Sie das waren, ist nichts zu tun.`,
          "Wenn Sie es nicht waren, melden Sie sich an, trennen Sie die Verbindung, ändern Sie sofort Ihr Passwort und beenden Sie alle anderen Sitzungen.",
        ],
      }),
    },
  },
  oauth_expired: {
    facts: ["at"],
    text: {
      en: (d) => ({
        subject: `Connect ${providerOf(d)} again`,
        paragraphs: [
          `${connectedOf(d)} takes the connection with your account no more: it was ended there, or was not used for long. Nothing is sent or read with it until you connect it again, in the settings of your account.`,
        ],
      }),
      de: (d) => ({
        subject: `Verbinden Sie ${providerOf(d)} erneut`,
        paragraphs: [
          `${connectedOf(d)} nimmt die Verbindung mit Ihrem Konto nicht mehr an: Sie wurde dort beendet oder lange nicht benutzt. Bis Sie sie in den Einstellungen Ihres Kontos erneuern, wird damit nichts gesendet und nichts gelesen.`,
        ],
      }),
    },
  },
};

const WORDS = {
  en: {
    device: "Device",
    ip: "IP address",
    at: "Time",
    unknown: "Unknown",
    greeting: (name: string) => (name === "" ? "Hello," : `Hello ${name},`),
    closing: (sender: string) => `Kind regards\n${sender}`,
    footer: (to: string) =>
      `Sent to ${to}, which was given as the address of an account. Nobody reads answers to this message.`,
  },
  de: {
    device: "Gerät",
    ip: "IP-Adresse",
    at: "Zeit",
    unknown: "Unbekannt",
    greeting: (name: string) => (name === "" ? "Guten Tag," : `Guten Tag ${name},`),
    closing: (sender: string) => `Mit freundlichen Grüßen\n${sender}`,
    footer: (to: string) =>
      `Gesendet an ${to}, weil diese Adresse für ein Konto angegeben wurde. Antworten auf diese Nachricht liest niemand.`,
  },
};

/** The letter as it goes out; `url` is its secret link, if it has one. */
export function accountLetter(letter: AccountLetter, url: string | undefined): RenderedLetter {
  const { template, language, to, data, said, at, goodUntil } = letter;
  const words = WORDS[language];
  const moment = (time: number): string => momentOf(time, language, said.timeZone);
  const until = goodUntil === undefined ? "" : moment(goodUntil);
  const { facts, text } = TEMPLATES[template];
  const { subject, paragraphs, action } = text[language](data, until);
  const values = {
    device: deviceName(data.userAgent) ?? words.unknown,
    ip: data.ip ?? words.unknown,
    at: moment(at),
  };
  return renderLetter(
    {
      subject,
      heading: said.from.name,
      greeting: words.greeting(said.recipient),
      paragraphs,
      facts: facts.map((name) => ({ label: words[name], value: values[name] })),
      ...(action === undefined || url === undefined ? {} : { action: { label: action, url } }),
      closing: words.closing(said.from.name),
      footer: words.footer(to),
    },
    language,
  );
}

/** In the person's own zone, which is named: the reader may be somewhere else. */
function momentOf(time: number, language: Language, timeZone = "UTC"): string {
  const locale = language === "de" ? "de-DE" : "en-GB";
  const how = { dateStyle: "long", timeStyle: "short", timeZone } as const;
  return `${new Intl.DateTimeFormat(locale, how).format(time)} (${timeZone})`;
}

function providerOf({ provider }: AccountMailData): string {
  return provider === undefined ? "" : PROVIDERS[provider];
}

function connectedOf(data: AccountMailData): string {
  const { email } = data;
  return email === undefined ? providerOf(data) : `${providerOf(data)} (${email})`;
}
