// Start playing; without sound if the browser allows nothing else.

// say(text), and mention(text) for a moment.
export async function startPlaying(video, { say, mention }) {
  const tell = (error) => isOver(error) || say(`Playing did not begin: ${error.message}`);
  try {
    await video.play();
  } catch (error) {
    if (error.name !== "NotAllowedError" || video.muted) {
      tell(error);
      return;
    }
    video.muted = true;
    mention("This browser plays only without sound at first. Press M to hear it.");
    await video.play().catch(tell);
  }
}

// Paused again, or unplayable, which faults.js handles.
function isOver({ name }) {
  return name === "AbortError" || name === "NotSupportedError";
}
