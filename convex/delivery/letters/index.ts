import {
  type Language,
  type Letter,
  type LetterData,
  renderLetter,
  type RenderedLetter,
} from "./letter";
import { balanceInEnglish, balanceInGerman } from "./balance";
import { WORDS } from "./words";

export type { Language, LetterData, RenderedLetter } from "./letter";

/** What a letter is made of beyond greeting, facts and closing. */
type Text = { subject: string; paragraphs: string[]; action?: string };
type Fact = "number" | "amount" | "open" | "dueDate" | "validUntil" | "paidOn" | "originalNumber";
type Template = {
  /** Which of the data are set in the table, in this order. */
  facts: readonly Fact[] | ((data: LetterData) => readonly Fact[]);
  text: Record<Language, (data: LetterData) => Text>;
};

const of = (data: LetterData, name: string): string => data[name] ?? "";

/**
 * Every letter of an organization, in every language (those about accounts: accounts/letters.ts). `data` has, as far as they apply, `organization`, `recipient`,
 * `number`, `amount`, `open`, `dueDate`, `validUntil`, `paidOn`, `originalNumber` (all formatted),
 * `balance` of an invoice that is `paid`, `settled` otherwise, or in `part`, `accepted` of a quote,
 * `level` of a reminder, the sender's own `message`, the `inviter`'s name, and the link `url`.
 */
const TEMPLATES = {
  invoice: {
    facts: (d) =>
      d["balance"] === undefined
        ? ["number", "amount", "dueDate"]
        : ["number", "amount", "open", "dueDate", "paidOn"],
    text: {
      en: (d) => ({
        subject: `Invoice ${of(d, "number")} from ${of(d, "organization")}`,
        paragraphs: [
          `please find attached our invoice ${of(d, "number")}.`,
          ...balanceInEnglish(d),
        ],
      }),
      de: (d) => ({
        subject: `Rechnung ${of(d, "number")} von ${of(d, "organization")}`,
        paragraphs: [
          `anbei erhalten Sie unsere Rechnung ${of(d, "number")}.`,
          ...balanceInGerman(d),
        ],
      }),
    },
  },
  quote: {
    facts: ["number", "amount", "validUntil"],
    text: {
      en: (d) => ({
        subject: `Quote ${of(d, "number")} from ${of(d, "organization")}`,
        paragraphs: [
          d["accepted"] === "yes"
            ? `please find attached our quote ${of(d, "number")}, which you have accepted.`
            : `please find attached our quote ${of(d, "number")}.`,
        ],
      }),
      de: (d) => ({
        subject: `Angebot ${of(d, "number")} von ${of(d, "organization")}`,
        paragraphs: [
          d["accepted"] === "yes"
            ? `anbei erhalten Sie unser Angebot ${of(d, "number")}, das Sie angenommen haben.`
            : `anbei erhalten Sie unser Angebot ${of(d, "number")}.`,
        ],
      }),
    },
  },
  credit_note: {
    facts: ["number", "originalNumber", "amount"],
    text: {
      en: (d) => ({
        subject: `Credit note ${of(d, "number")} from ${of(d, "organization")}`,
        paragraphs: [
          `please find attached our credit note ${of(d, "number")} for invoice ${of(d, "originalNumber")}.`,
        ],
      }),
      de: (d) => ({
        subject: `Gutschrift ${of(d, "number")} von ${of(d, "organization")}`,
        paragraphs: [
          `anbei erhalten Sie unsere Gutschrift ${of(d, "number")} zur Rechnung ${of(d, "originalNumber")}.`,
        ],
      }),
    },
  },
  reminder: {
    facts: ["number", "open", "dueDate"],
    text: { en: reminderInEnglish, de: reminderInGerman },
  },
  receipt: {
    facts: ["number", "amount", "paidOn"],
    text: {
      en: (d) => ({
        subject: `Receipt for invoice ${of(d, "number")}`,
        paragraphs: [`thank you: we have received your payment for invoice ${of(d, "number")}.`],
      }),
      de: (d) => ({
        subject: `Zahlungsbestätigung zur Rechnung ${of(d, "number")}`,
        paragraphs: [
          `vielen Dank: Ihre Zahlung zur Rechnung ${of(d, "number")} ist bei uns eingegangen.`,
        ],
      }),
    },
  },
  invite: {
    facts: [],
    text: {
      en: (d) => ({
        subject: `${of(d, "inviter")} invites you to ${of(d, "organization")}`,
        paragraphs: [
          `${of(d, "inviter")} invites you to work with ${of(d, "organization")}. The link is good for seven days.`,
        ],
        action: "Accept the invitation",
      }),
      de: (d) => ({
        subject: `${of(d, "inviter")} lädt Sie zu ${of(d, "organization")} ein`,
        paragraphs: [
          `${of(d, "inviter")} lädt Sie ein, bei ${of(d, "organization")} mitzuarbeiten. Der Link gilt sieben Tage.`,
        ],
        action: "Einladung annehmen",
      }),
    },
  },
  /** To a member of staff: something happened. */
  notice: {
    facts: [],
    text: {
      en: (d) => ({ subject: of(d, "title"), paragraphs: [`${of(d, "title")}.`] }),
      de: (d) => ({ subject: of(d, "title"), paragraphs: [`${of(d, "title")}.`] }),
    },
  },
} satisfies Record<string, Template>;

export type TemplateName = keyof typeof TEMPLATES;
export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as TemplateName[];

/** Letters whose link lets its reader in: it is never among their data. */
const SECRET_TEMPLATES = ["invite"] as const;
export type SecretTemplate = (typeof SECRET_TEMPLATES)[number];

export function hasSecretLink(template: TemplateName): template is SecretTemplate {
  return (SECRET_TEMPLATES as readonly string[]).includes(template);
}

/** The letter as it goes out: the same data give the same bytes. `url` is a secret link, if any. */
export function letterOf(
  template: TemplateName,
  language: Language,
  data: LetterData,
  url: string | undefined = data["url"],
): RenderedLetter {
  const { facts, text }: Template = TEMPLATES[template];
  const words = WORDS[language];
  const organization = of(data, "organization");
  const { subject, paragraphs, action } = text[language](data);
  const label = action ?? words.pay;
  const letter: Letter = {
    subject,
    heading: organization,
    greeting: words.greeting(of(data, "recipient")),
    paragraphs: [...paragraphs, ...(data["message"] === undefined ? [] : [data["message"]])],
    facts: (typeof facts === "function" ? facts(data) : facts).flatMap((name) => {
      const value = data[name];
      return value === undefined ? [] : [{ label: words[name], value }];
    }),
    ...(url === undefined ? {} : { action: { label, url } }),
    closing: words.closing(organization),
    footer: template === "notice" ? words.noticeFooter(organization) : words.footer(organization),
  };
  return renderLetter(letter, language);
}

/** Level 1 also goes out before the due date, when nothing is late yet. */
function reminderInEnglish(d: LetterData): Text {
  const number = of(d, "number");
  if (d["isDue"] !== "yes") {
    return {
      subject: `Invoice ${number} is due on ${of(d, "dueDate")}`,
      paragraphs: [`a friendly note: our invoice ${number} is due on ${of(d, "dueDate")}.`],
    };
  }
  switch (d["level"]) {
    case "3":
      return {
        subject: `Last reminder: invoice ${number}`,
        paragraphs: [
          `despite our reminders, invoice ${number} is still open. Please pay it at once: we shall otherwise have to take further steps.`,
        ],
      };
    case "2":
      return {
        subject: `Second reminder: invoice ${number}`,
        paragraphs: [
          `we have not yet received your payment of invoice ${number}. Please pay the open amount within seven days.`,
        ],
      };
    default:
      return {
        subject: `Reminder: invoice ${number}`,
        paragraphs: [
          `our invoice ${number} was due on ${of(d, "dueDate")}. It may have escaped your notice; if you have paid meanwhile, please ignore this message.`,
        ],
      };
  }
}

function reminderInGerman(d: LetterData): Text {
  const number = of(d, "number");
  if (d["isDue"] !== "yes") {
    return {
      subject: `Rechnung ${number} ist am ${of(d, "dueDate")} fällig`,
      paragraphs: [
        `ein freundlicher Hinweis: unsere Rechnung ${number} ist am ${of(d, "dueDate")} fällig.`,
      ],
    };
  }
  switch (d["level"]) {
    case "3":
      return {
        subject: `Letzte Mahnung: Rechnung ${number}`,
        paragraphs: [
          `trotz unserer Erinnerungen ist die Rechnung ${number} noch offen. Bitte zahlen Sie umgehend: andernfalls müssten wir weitere Schritte einleiten.`,
        ],
      };
    case "2":
      return {
        subject: `Zweite Mahnung: Rechnung ${number}`,
        paragraphs: [
          `zu unserer Rechnung ${number} ist noch keine Zahlung eingegangen. Bitte zahlen Sie den offenen Betrag innerhalb von sieben Tagen.`,
        ],
      };
    default:
      return {
        subject: `Zahlungserinnerung: Rechnung ${number}`,
        paragraphs: [
          `unsere Rechnung ${number} war am ${of(d, "dueDate")} fällig. Vielleicht ist sie Ihrer Aufmerksamkeit entgangen; falls Sie inzwischen bezahlt haben, beachten Sie diese Nachricht bitte nicht.`,
        ],
      };
  }
}
