// Judges messages as those who take them do: Discord's by discord.js' builders, cards of Teams by Microsoft's Adaptive Cards.
// channel_messages.mjs FILE: the messages by channel, as one JSON document.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { EmbedBuilder } = require("@discordjs/builders");
const { AdaptiveCard, SerializationContext, Versions } = require("adaptivecards/dist/adaptivecards.js");

const messages = JSON.parse(readFileSync(process.argv[2], "utf8"));

for (const message of messages.discord) {
  if (message.allowed_mentions.parse.length !== 0) throw new Error("somebody is called");
  if ((message.content ?? "").length > 2000 || message.embeds.length > 10) throw new Error("too much");
  let all = 0;
  for (const { title, description, color, timestamp, fields } of message.embeds) {
    const embed = new EmbedBuilder().setTitle(title).setDescription(description).setColor(color);
    embed.setTimestamp(new Date(timestamp)).addFields(...fields);
    const { data } = embed;
    for (const text of [data.title, data.description, ...data.fields.flatMap((field) => [field.name, field.value])]) {
      if (text.trim() === "") throw new Error("an empty text");
      all += text.length;
    }
  }
  if (all > 6000) throw new Error(`${all} characters`);
}

for (const message of messages.teams) {
  if (message.type !== "message" || message.attachments.length !== 1) throw new Error("no message with a card");
  const [{ contentType, content }] = message.attachments;
  if (contentType !== "application/vnd.microsoft.card.adaptive") throw new Error(contentType);
  const card = new AdaptiveCard();
  const context = new SerializationContext(Versions.v1_4);
  card.parse(content, context);
  const wrong = Array.from({ length: context.eventCount }, (_, index) => context.getEventAt(index).message);
  wrong.push(...card.validateProperties().validationEvents.map((event) => event.message));
  if (wrong.length !== 0) throw new Error(wrong.join("; "));
  if (Buffer.byteLength(JSON.stringify(message)) > 28 * 1024) throw new Error("more than 28 KB");
}

console.log(`discord ${messages.discord.length}, teams ${messages.teams.length}`);
