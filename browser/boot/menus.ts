// Menus (`details.menu`): the items of a message's menu, the side to which a menu opens, and when it closes. The items
// are the same for all messages, so the page has them once, as a template, and a menu is filled when it is needed.

import { closest, find, findAll, target } from "../dom.ts";
import { FILL_MENU } from "../events.ts";
import { isComposing } from "../keyboard.ts";
import { Attribute, Id, Placeholder } from "../names.ts";

const SPACE_BELOW_PX = 8;
const filled = new WeakSet<Element>();

/** The id of the message in the id of its row. */
export function messageIdOf(rowId: string): string | undefined {
  const [prefix, id = ""] = [rowId.slice(0, Id.MessagePrefix.length), rowId.slice(Id.MessagePrefix.length)];
  return prefix === Id.MessagePrefix && /^\d+$/.test(id) ? id : undefined;
}

/** The template's HTML with the ids of a message and of its room. */
export function menuHtml(template: string, messageId: string, roomId: string): string {
  return template.replaceAll(Placeholder.Id, messageId).replaceAll(Placeholder.Room, roomId);
}

/** Which side has room for a menu of this height. */
export function sideOf(spaceBelow: number, height: number): "up" | "down" {
  return spaceBelow < height + SPACE_BELOW_PX ? "up" : "down";
}

export function openAndCloseMenus() {
  // In the capture phase: the items are there before the summary's own click opens the menu.
  document.addEventListener("click", (event) => fill(closest(event, "details.menu > summary")?.parentElement), true);
  document.addEventListener(FILL_MENU, (event) => fill(target(event)));
  // `toggle` does not bubble.
  document.addEventListener("toggle", (event) => place(target<HTMLDetailsElement>(event)), true);
  document.addEventListener("click", (event) => closeMenus(closest(event, "details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !isComposing(event)) closeMenus();
  });
}

function fill(menu: Element | null | undefined) {
  const template = document.getElementById(Id.MessageMenu);
  const list = menu?.children[1];
  const messageId = messageIdOf(menu?.closest(".message")?.id ?? "");
  if (!template || !list || !messageId || filled.has(list)) return;
  filled.add(list);
  const roomId = menu?.closest(`[${Attribute.Room}]`)?.getAttribute(Attribute.Room) ?? "";
  list.innerHTML = menuHtml(template.innerHTML, messageId, roomId);
  const inThread = !!menu?.closest(`.timeline[${Attribute.Thread}]`);
  if (inThread || find('.pings [aria-current="page"]')) find(`[${Attribute.Action}=thread]`, list)?.remove();
  if (inThread) find('form[action$="/unread"]', list)?.remove();
}

/** Whether a message is among the pinned ones. */
export function isPinned(messageId: string, pinned: string | null | undefined): boolean {
  return !!pinned?.split(" ").includes(messageId);
}

/** Offers to pin the message of a menu, or to take its pin away: the items are the same for all messages. */
function offerPin(menu: Element) {
  const form = find(`[${Attribute.Pins}]`, menu);
  if (!form) return;
  const pinned = find(`[${Attribute.Pinned}]`)?.getAttribute(Attribute.Pinned);
  const isOff = !isPinned(messageIdOf(menu.closest(".message")?.id ?? "") ?? "", pinned);
  const [pin, unpin] = findAll("button", form);
  if (pin) pin.hidden = !isOff;
  if (unpin) unpin.hidden = isOff;
}

function place(menu: HTMLDetailsElement | null) {
  if (!menu?.matches("details.menu[open]")) return;
  fill(menu);
  offerPin(menu);
  const [button, list] = menu.children;
  if (!button || !(list instanceof HTMLElement)) return;
  const around = (menu.closest(".timeline") ?? document.documentElement).getBoundingClientRect();
  const spaceBelow = Math.min(around.bottom, innerHeight) - button.getBoundingClientRect().bottom;
  menu.setAttribute(Attribute.Opens, sideOf(spaceBelow, list.offsetHeight));
}

function closeMenus(but: Element | null = null) {
  for (const menu of findAll<HTMLDetailsElement>("details.menu[open]")) {
    if (menu !== but) menu.open = false;
  }
}
