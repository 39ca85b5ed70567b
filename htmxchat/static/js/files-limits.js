/** What cannot be attached, as far as it is known before the upload. The server looks at what is in a file. */

/** Types that browsers tell by a file's ending alone, but not wrongly. */
const TOLD = /^(audio|font|image|video)\//;

/**
 * Why a file cannot be attached, in a few words; empty when it can, as far as can be told.
 * @param {File & {folder?: boolean}} file @param {DOMStringMap} limits @param {number} before How many there are.
 */
export function problem(file, { size, number, types, largest }, before) {
  if (file.folder) return "a folder cannot be sent";
  if (before >= Number(number)) return `${number} ${number === "1" ? "file is" : "files are"} the limit`;
  if (file.size > Number(size)) return `it is larger than ${largest}`;
  if (!file.size) return "it is empty";
  if (types && TOLD.test(file.type) && !types.split(",").some((type) => fits(file.type, type))) {
    return "files of this type cannot be sent";
  }
  return "";
}

/** @param {string} type @param {string} allowed */
function fits(type, allowed) {
  return type === allowed || (allowed.endsWith("/*") && type.startsWith(allowed.slice(0, -1)));
}

/** A number of bytes, in the words that the server uses. @param {number} bytes */
export function fileSize(bytes) {
  if (bytes < 1_024) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  let amount = bytes;
  let unit = "";
  for (unit of ["KB", "MB", "GB", "TB"]) {
    amount /= 1_024;
    if (amount < 1_023.5) break;
  }
  const number = amount >= 9.95 ? Math.round(amount).toLocaleString("en") : amount.toFixed(1).replace(".0", "");
  return `${number} ${unit}`;
}
